#ifndef WEIR_NATIVE_GROUPS_H
#define WEIR_NATIVE_GROUPS_H

#include "runtime/native/vec.h"

/* The native group table: rows of struct weir_group_layout, found through an open-addressing
   directory of 32-bit row numbers with hash tags. One slot owns one table (no locks); tables merge
   at the end, by parts of the hash space so that slots merge in parallel. */

struct weir_groups;

/* LAYOUT must outlive the table. POOL (may be NULL) pays for rows, directory, strings and sets. A
   layout without keys has exactly one group from the start (an aggregate over no rows still gives a
   row). */
int weir_groups_new(const struct weir_group_layout *layout, struct weir_pool *pool,
                    struct weir_groups **out, struct weir_error *err) WEIR_NODISCARD;
void weir_groups_free(struct weir_groups *g); /* NULL is allowed */

/* Add N <= WEIR_VECTOR rows. KEY[k], ARG[a] (NULL for COUNT(*)), FILTER[a] (NULL: none). A key, or
   an argument of an unfiltered row, in an error state: returns 1 + the row's number without adding
   any row of this call; the caller reports it. 0 on success, negative on failure. */
int weir_groups_update(struct weir_groups *g, uint32_t n, const struct weir_vec *const *key,
                       const struct weir_vec *const *arg, const struct weir_vec *const *filter,
                       struct weir_error *err) WEIR_NODISCARD;

/* Merge N partial rows in the layout (from a device); their strings are copied. */
int weir_groups_merge_rows(struct weir_groups *g, const uint64_t *rows, size_t n,
                           struct weir_error *err) WEIR_NODISCARD;

/* Merge the rows of FROM whose hash falls in part PART of N_PARTS into G (both of the same layout);
   FROM is only read, so several threads may merge different parts from it. Without keys the one
   group is in one of the parts, so use one part: every table has a (perhaps empty) group. */
int weir_groups_merge_part(struct weir_groups *g, const struct weir_groups *from, uint32_t part,
                           uint32_t n_parts, struct weir_error *err) WEIR_NODISCARD;

/* Merging large tables where they are, without another one: with N tables, thread I takes part I of
   the rows of all others over into table I, and when all threads have done so keeps only part I
   there. Every part is read and written by one thread, so there are no locks. */

/* The rows that a table has now. They stay where they are while the table grows. */
struct weir_groups_rows {
    uint64_t **chunk;
    size_t n_rows;
    uint32_t shift, words;
};
/* Can all of G[0..n) be merged like that? They are of the same layout, with keys. */
bool weir_groups_can_exchange(struct weir_groups *const *g, int n);
/* Before the threads start; OUT's chunk is the caller's to weir_free. */
int weir_groups_rows_of(const struct weir_groups *g, struct weir_groups_rows *out,
                        struct weir_error *err) WEIR_NODISCARD;
int weir_groups_take_part(struct weir_groups *g, const struct weir_groups_rows *from, uint32_t part,
                          uint32_t n_parts, struct weir_error *err) WEIR_NODISCARD;
void weir_groups_keep_part(struct weir_groups *g, uint32_t part, uint32_t n_parts);

size_t weir_groups_count(const struct weir_groups *g);
/* Row I's words (0 <= I < count), in order of first appearance. */
const uint64_t *weir_groups_row(const struct weir_groups *g, size_t i);

/* Word WORD of row I, which becomes 0 (the count of a group that was handed on). */
uint64_t weir_groups_take(struct weir_groups *g, size_t i, uint32_t word);

/* Append the results of groups [FIRST, FIRST + N) to B: key columns, then aggregates of their
   result types. A sum that does not fit its type is WEIR_ERR_DATA and names the aggregate
   (position, function). */
int weir_groups_emit(const struct weir_groups *g, size_t first, size_t n, struct weir_builder *b,
                     struct weir_error *err) WEIR_NODISCARD;

/* Drop all groups, keep the memory for reuse where that is cheap (a closed pane). */
int weir_groups_clear(struct weir_groups *g, struct weir_error *err) WEIR_NODISCARD;

/* Drop the groups for which DROP says so (closed windows); the others keep their state. */
int weir_groups_remove(struct weir_groups *g, bool (*drop)(void *ctx, const uint64_t *row),
                       void *ctx, struct weir_error *err) WEIR_NODISCARD;

#endif
