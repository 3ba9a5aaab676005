#ifndef WEIR_CONNECT_FILE_TABLE_H
#define WEIR_CONNECT_FILE_TABLE_H

#include "host/connect/connect.h"
#include "host/format/csv.h"
#include "host/format/json.h"

// clang-format off
/* What the options of a 'filesystem' table say: where and in which format. Used by its source and its sink.

   | option                          | default  |                                                           |
   |---------------------------------|----------|-----------------------------------------------------------|
   | path                            | required | file, directory, glob; "-" standard input or output       |
   | format                          | required | csv, json; compression goes by the suffix (.gz, .zst)     |
   | format.ignore-parse-errors      | false    | also csv.… and json.…: drop and count broken records      |
   | format.parse-errors-path        | none     | side file of the dropped records, see error_log.h         |
   | format.max-record-bytes         | 8388608  | a longer record is an error                               |
   | source.min-split-bytes          | 1048576  | a plain file is cut into ranges no smaller than this      |
   | csv.field-delimiter             | ,        |                                                           |
   | csv.quote-character             | "        |                                                           |
   | csv.disable-quote-character     | false    |                                                           |
   | csv.null-literal                | none     |                                                           |
   | csv.allow-comments              | false    | lines that begin with #; such files are not split         |
   | csv.header                      | false    | first record: names (reading: finds columns by name)      |
   | csv.ignore-first-line           | false    | reading                                                   |
   | json.fail-on-missing-field      | false    |                                                           |
   | json.timestamp-format.standard  | SQL      | SQL or ISO-8601: how sinks write; sources take both       | */
// clang-format on

enum weir_file_format { WEIR_FORMAT_CSV, WEIR_FORMAT_JSON };

struct weir_file_table {
    char *name, *path, *null_literal, *errors_path;
    struct weir_schema schema;
    enum weir_file_format format;
    struct weir_csv_options csv;
    struct weir_json_options json;
    uint64_t min_split_bytes;
};

/* Check and copy; *OUT is released with weir_file_table_release, also after an error. */
int weir_file_table_init(const struct weir_table_spec *t, struct weir_file_table *out,
                         struct weir_error *err) WEIR_NODISCARD;
void weir_file_table_release(struct weir_file_table *t);

int weir_file_decoder_new(const struct weir_file_table *t, const struct weir_decode_columns *cols,
                          struct weir_decoder **out, struct weir_error *err) WEIR_NODISCARD;

#endif
