/* Which codec a path's suffix names. */
#include <string.h>
#include <strings.h>

#include "host/connect/codec.h"

static const struct weir_codec *const codecs[] = {&weir_codec_gzip, &weir_codec_zstd};

const struct weir_codec *weir_codec_of_path(const char *path)
{
    size_t n = strlen(path);
    for (size_t c = 0; c < sizeof codecs / sizeof *codecs; c++) {
        for (const char *const *s = codecs[c]->suffix; *s; s++) {
            size_t len = strlen(*s);
            if (n > len && strcasecmp(path + n - len, *s) == 0) return codecs[c];
        }
    }
    return NULL;
}
