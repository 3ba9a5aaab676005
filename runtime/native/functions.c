/* The registry of scalar functions: the families' tables one after another. A new function is an
   entry in the file of its family; a new family is a file and a line here. */
#include "runtime/native/fn_internal.h"

#include <string.h>
#include <strings.h>

static const struct fn_family *const families[] = {
    &weir_fn_math,   &weir_fn_round, &weir_fn_text, &weir_fn_text_edit, &weir_fn_pattern,
    &weir_fn_digest, &weir_fn_url,   &weir_fn_time, &weir_fn_time_unit, &weir_fn_time_text,
};
#define N_FAMILIES (int)(sizeof families / sizeof *families)

int weir_function_count(void)
{
    int n = 0;
    for (int i = 0; i < N_FAMILIES; i++) n += families[i]->n;
    return n;
}

const struct weir_function *weir_function_at(int index)
{
    for (int i = 0; i < N_FAMILIES; i++) {
        if (index < families[i]->n) return &families[i]->entry[index].f;
        index -= families[i]->n;
    }
    return NULL;
}

int weir_function_index(const struct weir_function *f)
{
    int base = 0;
    for (int i = 0; i < N_FAMILIES; i++) {
        for (int k = 0; k < families[i]->n; k++)
            if (&families[i]->entry[k].f == f) return base + k;
        base += families[i]->n;
    }
    return -1;
}

const struct weir_function *weir_function_find(const char *name, size_t len)
{
    for (int i = 0; i < N_FAMILIES; i++)
        for (int k = 0; k < families[i]->n; k++) {
            const struct weir_function *f = &families[i]->entry[k].f;
            if (!strncasecmp(f->name, name, len) && !f->name[len]) return f;
        }
    return NULL;
}
