#ifndef WEIR_TESTS_ORACLE_FAULTS_H
#define WEIR_TESTS_ORACLE_FAULTS_H

/* Mistakes that engines make, planted one at a time into the translation for SQLite: the self-test
   runs the tester with "a Weir that makes this mistake" and expects it to be caught. */

enum fault {
    fault_none,
    fault_left_join_is_inner,
    fault_count_counts_nulls,
    fault_and_of_null_is_false,
    fault_no_having,
    fault_not_in_ignores_nulls,
    fault_division_floors,
    fault_no_distinct,
    fault_no_filter,
    fault_windows_round_to_zero,
    fault_last_hop_missing,
    fault_no_residual,
    fault_decimals_are_cut,
    fault_order_ascends,
    fault_limit_plus_one,
    fault_integers_wrap,
    fault_sample_is_population,
    fault_less_or_equal,
    fault_between_excludes,
    fault_one_key_only,
    fault_union_drops_duplicates,
    fault_try_cast_fails,
    fault_no_else,
    fault_average_rounds,
    fault_like_ignores_case,
    fault_is_true_of_null,
    fault_nulls_last,
    fault_semi_join_duplicates,
    fault_coalesce_is_first,
    fault_sum_of_none_is_zero,
    fault_count
};

extern const char *const fault_names[fault_count];

#endif
