#ifndef WEIR_CONNECT_FILE_READER_H
#define WEIR_CONNECT_FILE_READER_H

#include "host/connect/error_log.h"
#include "host/connect/file_table.h"
#include "host/connect/stream.h"

/* Rows of one file or of a range of it: a window over a byte stream and a decoder. */

struct weir_file_reader {
    const struct weir_file_table *table;
    const char *path;
    int *columns;
    struct weir_decode_columns cols;
    struct weir_decoder *decoder;
    struct weir_stream *stream;
    char *buf;       /* window, WEIR_DECODE_PADDING bytes larger than cap */
    size_t cap, len; /* bytes of it in use */
    size_t used;     /* of these, already decoded */
    uint64_t base;   /* offset in the (uncompressed) file of buf[0] */
    uint64_t end;    /* records that begin here or later are somebody else's */
    bool at_eof;
    bool live;           /* the bytes come over time; they are not waited for for long */
    bool begun;          /* byte order mark and header are behind us */
    int64_t deadline_ms; /* live: when the read that runs gives up (monotonic clock) */
    bool waiting;   /* the last call of weir_file_reader_rows ended because nothing was there */
    uint64_t lines; /* line ends before base, kept only where the file cannot be read again */
    struct weir_error_log *log; /* of skipped records; NULL: none */
    bool reread;                /* the file can be read again */
};

/* Where to start reading. */
struct weir_file_range {
    uint64_t start, end; /* UINT64_MAX: to the end of the file */
    bool inside_quotes;  /* at byte start - 1; only for start > 0 of CSV with quotes */
    bool at_record;      /* START is known to be the start of a record (nothing is skipped) */
};

/* PATH and TABLE are borrowed; PROGRESS may be NULL. Reads COLUMNS (copied). REREAD: PATH is a
 * regular file. */
int weir_file_reader_open(const struct weir_file_table *table, const char *path, bool reread,
                          const struct weir_file_range *range, const int *columns, int n_columns,
                          _Atomic uint64_t *progress, struct weir_file_reader **out,
                          struct weir_error *err) WEIR_NODISCARD;

/* From now on, skipped records go to LOG (borrowed). */
void weir_file_reader_log(struct weir_file_reader *r, struct weir_error_log *log);

/* How long a live file is waited for: for the first row of a batch, after which the caller is told
   that there is none yet; and for more rows, counted from the first one. */
#define WEIR_LIVE_WAIT_MS   100
#define WEIR_LIVE_LINGER_MS 20

/* Append up to MAX_ROWS rows to B; *ROWS = 0 at the end, or when a live file has nothing now
   (r->waiting). Errors name file and line. */
int weir_file_reader_rows(struct weir_file_reader *r, uint32_t max_rows, struct weir_builder *b,
                          uint32_t *rows, struct weir_error *err) WEIR_NODISCARD;

/* Offset of the next record (or of empty lines before it), and of the last one that became a row.
 */
uint64_t weir_file_reader_position(const struct weir_file_reader *r);

void weir_file_reader_close(struct weir_file_reader *r); /* NULL is allowed */

/* 1 + line ends in the first OFFSET bytes of the uncompressed contents; 0 when it cannot be read.
 */
uint64_t weir_file_line(const char *path, uint64_t offset);

#endif
