/* Fuzz target of the compressed files: any bytes decode or fail, without a hang, the same for every
   size of the output buffer; and what is encoded decodes to itself. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/connect/codec.h"
#include "host/connect/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* At most 1 MiB comes out. */
static int decode(const struct weir_codec *codec, const uint8_t *data, size_t size, size_t room,
                  struct weir_buf *out)
{
    void *decoder = codec->decoder_new();
    unsigned char buf[4096];
    struct weir_codec_io io = {.in = data, .n_in = size};
    const char *why = NULL;
    int rc = 0;
    require(decoder != NULL, "decoder");
    for (;;) {
        bool boundary = false;
        size_t before = io.n_in;
        io.out = buf;
        io.n_out = room;
        rc = codec->decode(decoder, &io, &boundary, &why);
        require(rc == 0 || (why && *why), "a reason");
        weir_buf_add(out, buf, room - io.n_out);
        if (rc || out->len > 1 << 20) break;
        if (io.n_out == room && io.n_in == before) break; /* wants more input */
    }
    codec->decoder_free(decoder);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    const struct weir_codec *codec = data[0] & 1 ? &weir_codec_zstd : &weir_codec_gzip;
    struct weir_buf a = {0}, b = {0}, c = {0}, d = {0};
    int ra = decode(codec, data + 1, size - 1, 4096, &a),
        rb = decode(codec, data + 1, size - 1, 1 + data[0] / 2, &b);
    size_t n = a.len < b.len ? a.len : b.len;
    require(!n || !memcmp(a.data, b.data, n), "output depends on the buffer");
    if (a.len < 1 << 20 && b.len < 1 << 20) require(ra == rb, "status depends on the buffer");
    require(weir_output_encode(codec, data, size, &c, NULL) == 0, "encode");
    require(decode(codec, (const uint8_t *)c.data, c.len, 100, &d) == 0, "decode");
    require(d.len == size && !memcmp(d.data, data, size), "round trip");
    weir_buf_release(&a);
    weir_buf_release(&b);
    weir_buf_release(&c);
    weir_buf_release(&d);
    return 0;
}
