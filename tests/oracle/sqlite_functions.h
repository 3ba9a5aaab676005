#ifndef WEIR_TESTS_ORACLE_SQLITE_FUNCTIONS_H
#define WEIR_TESTS_ORACLE_SQLITE_FUNCTIONS_H

/* The exact semantics of docs/decimal.md as SQL functions of SQLite.

   A DECIMAL is a blob of 16 bytes: the unscaled value, sign bit flipped, big-endian, so that
   SQLite's own comparison, grouping and sorting of blobs of one scale is the decimals'. The result
   of a failed operation is a blob of one byte, which every function here passes on; w_chk makes it
   the failure of the statement. */

#include "type.h"

#include <sqlite3.h>

/* Each registers its functions; SQLITE_OK or SQLite's code. */
int register_number_functions(sqlite3 *db);
int register_text_functions(sqlite3 *db);
int register_aggregates(sqlite3 *db);

bool is_failure(sqlite3_value *v);
void result_failure(sqlite3_context *c);
i128 get_decimal(sqlite3_value *v);
i128 decimal_of_blob(const unsigned char *bytes);
void result_decimal(sqlite3_context *c, i128 v);
/* True, and the result is NULL or the failure, when one of the arguments is; for functions that are
 * strict. */
bool strict(sqlite3_context *c, int n, sqlite3_value **v);
/* numerator * 10^shift / denominator, half away from zero (CUT: toward zero); false: more than 38
 * digits. */
bool scaled_quotient(i128 numerator, int shift, i128 denominator, bool cut, i128 *out);

/* Set when a float operation gave NaN, which SQLite cannot hold: the statement's result means
 * nothing then. */
extern bool saw_nan;

struct function_entry {
    const char *name;
    int arguments;
    void (*call)(sqlite3_context *, int, sqlite3_value **);
};
int register_entries(sqlite3 *db, const struct function_entry *entries, size_t count);

#endif
