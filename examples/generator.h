#ifndef WEIR_EXAMPLES_GENERATOR_H
#define WEIR_EXAMPLES_GENERATOR_H

/* What the two input generators share: a random number generator whose numbers depend on the seed
   alone, a buffered line writer over plain or gzip'd files, hand-rolled formatting, and the command
   line. Integer arithmetic only, so that the same seed gives the same bytes on every machine. */

#include <stddef.h>
#include <stdint.h>

/* splitmix64 (Steele, Lea, Flood 2014): one word of state, every seed is a good one. */
struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *r);
/* Uniform in [0, n), n > 0; the bias of the multiplication is below n / 2^32. */
uint32_t rng_below(struct rng *r, uint32_t n);
/* In [0, 2^bits) with a probability near 1 / (value + 1): popular things are much more popular. */
uint32_t rng_skewed(struct rng *r, uint32_t bits);

/* A file being written under a temporary name. Errors are sticky: check out_close. */
struct out {
    char *path, *temporary;
    int descriptor;
    int failed; /* errno of the first error, or 0 */
    void *deflate;
    char *buffer;
    unsigned char *packed;
    size_t used;
};

/* Opens DIR/NAME; a name that ends in .gz is compressed, with no time in its header. 0, or -1 with
 * a message. */
int out_open(struct out *o, const char *dir, const char *name);
/* Flushes and renames to the final name. 0, or -1 with a message on stderr; releases everything
 * either way. */
int out_close(struct out *o);
void out_bytes(struct out *o, const char *bytes, size_t length);
void out_text(struct out *o, const char *text);
void out_number(struct out *o, uint64_t value);
void out_padded(struct out *o, uint32_t value, int digits);
void out_ip(struct out *o, uint32_t ip);
/* 'YYYY-MM-DD' of a count of days since 1970-01-01. */
void out_date(struct out *o, uint32_t epoch_days);
/* 'YYYY-MM-DD HH:MM:SS.mmm' of a count of milliseconds since 1970-01-01. */
void out_timestamp(struct out *o, int64_t epoch_ms);
/* A version-4-looking UUID made of two random words. */
void out_uuid(struct out *o, uint64_t high, uint64_t low);

/* The command line: OUTDIR, then pairs of an option in `names` and a number. Fills `values` (which
   hold the defaults). Returns OUTDIR, or NULL after a message; `usage` is printed for --help and
   for mistakes. */
struct option_spec {
    const char *name;
    uint64_t *value, low, high;
};
const char *read_command_line(int argc, char **argv, const struct option_spec *options,
                              size_t count, const char *usage);
/* Creates DIR and its parents. 0, or -1 with a message. */
int make_directory(const char *dir);

#endif
