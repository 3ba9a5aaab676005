#ifndef WEIR_NATIVE_FUNCTIONS_H
#define WEIR_NATIVE_FUNCTIONS_H

#include "runtime/plan/expr.h"

/* The scalar functions (lookups: weir_function_… in expr.h), and what the binder makes of special
   syntax:

   | SQL                                   | CALL                                         |
   |---------------------------------------|----------------------------------------------|
   | EXTRACT(unit FROM x)                  | EXTRACT_<UNIT>(x): BIGINT; units below        |
   | YEAR(x), QUARTER, MONTH, WEEK, …      | are entries of their own                     |
   | FLOOR(x TO unit), CEIL(x TO unit)     | FLOOR_TO_<UNIT>(x), CEIL_TO_<UNIT>(x)         |
   | TIMESTAMPADD(unit, n, x)              | TIMESTAMPADD_<UNIT>(n, x)                    |
   | TIMESTAMPDIFF(unit, a, b)             | TIMESTAMPDIFF_<UNIT>(a, b): INT               |
   | x + INTERVAL of months                | ADD_MONTHS(x, interval)                      |
   | x - INTERVAL of months                | ADD_MONTHS(x, -interval)                     |
   | POSITION(a IN b)                      | POSITION(a, b)                               |
   | TRIM([BOTH|LEADING|TRAILING] c FROM x)| TRIM_BOTH(x, c), TRIM_LEADING, TRIM_TRAILING  |
   | SUBSTRING(x FROM a FOR b)             | SUBSTRING(x, a, b)                           |
   | OVERLAY(x PLACING y FROM a FOR b)     | OVERLAY(x, y, a, b)                          |
   | a || b                                | CONCAT(a, b)                                 |
   | MOD(a, b)                             | WEIR_OP_MOD                                  |
   | CURRENT_TIMESTAMP, LOCALTIME, …       | the function of that name, no arguments      |

   Units of EXTRACT: EPOCH MILLENNIUM CENTURY DECADE YEAR QUARTER MONTH WEEK DAY DOY DOW ISODOW
   ISOYEAR HOUR MINUTE SECOND MILLISECOND MICROSECOND. Of FLOOR and CEIL: YEAR QUARTER MONTH WEEK
   DAY HOUR MINUTE SECOND. Of TIMESTAMPADD and TIMESTAMPDIFF: YEAR QUARTER MONTH WEEK DAY HOUR
   MINUTE SECOND (also MILLISECOND, MICROSECOND).

   Regular expressions are Java's (see regex.h), strings are UTF-8 and counted in code points. */

/* The result of ROUND and TRUNCATE of a DECIMAL for a number of digits that is known: infer cannot
   see values and keeps the argument's scale, so the binder may replace the call's type by this. */
struct weir_type weir_function_round_type(struct weir_type x, int digits);

/* Can a value of type FROM be CAST to TO? */
bool weir_cast_supported(struct weir_type from, struct weir_type to);

#endif
