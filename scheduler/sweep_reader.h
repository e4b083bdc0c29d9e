/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_reader.h - shared by the files that read a sweep file; private to them */
#ifndef DS_SCHEDULER_SWEEP_READER_H
#define DS_SCHEDULER_SWEEP_READER_H

#include "base/arena.h"
#include "base/yaml.h"
#include "sweep_schema.h"

#define SWEEP_MAX_TEXT_BYTES 4096u /* of one value */

struct sweep_reader {
    struct ds_arena *a;
    struct sweep *out;
    struct sweep_problems *problems;
    bool full;                           /* the arena is: nothing more makes sense */
    const struct yaml_node *where_node;  /* for places inside the text */
    const struct yaml_node **expression; /* by parameter, NULL where none */
    /* what was given, for checks across keys */
    bool has_preset, has_command, has_judge, has_samples;
    struct sweep_pos samples_pos, threads_pos, command_pos;
};

static inline struct sweep_pos pos_of(const struct yaml_node *n)
{
    return (struct sweep_pos){n->line, n->column};
}

static inline struct sweep_pos pos_of_key(const struct yaml_node *n)
{
    return n->key_line ? (struct sweep_pos){n->key_line, n->key_column} : pos_of(n);
}

/* Place of byte `offset` of a scalar's text, as well as it can be told. */
struct sweep_pos pos_inside(const struct yaml_node *n, size_t offset);

/* Add a problem at a place of the sweep file. */
void reader_bad(struct sweep_reader *r, struct sweep_pos pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* From arena_take, with r->full set when it gives nothing. */
void *reader_take(struct sweep_reader *r, size_t n, size_t size);

/* " (did you mean 'x'?)" for the nearest of names, or "". */
#define NEAREST_BYTES 96u
void nearest_word(struct ds_span word, const struct ds_span *names, size_t n,
                  char out[NEAREST_BYTES]);

/* Which of words it is; n: none of them. */
size_t word_place(struct ds_span word, const struct ds_span *words, size_t n);

/* A scalar as text, checked for control bytes and length; false after a problem. */
bool reader_text(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                 struct ds_span *out);
/* A list of such texts. */
bool reader_texts(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                  const struct ds_span **out, size_t *n);
/* An unquoted number. */
bool reader_number(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                   double *out);
/* A whole number from min to max. */
bool reader_whole(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                  double min, double max, double *out);
/* Children of a map or problems for doubles and wrong kinds; false: not a map. */
bool reader_is_map(struct sweep_reader *r, const char *path, const struct yaml_node *node);
void reader_report_doubles(struct sweep_reader *r, const char *path, const struct yaml_node *map);

/* "path.name", cut to fit. */
#define READER_PATH_BYTES 160u
void reader_join(char out[READER_PATH_BYTES], const char *path, struct ds_span name);

/* What stands under one kind of values (sweep_numbers.c, sweep_values.c). */
void reader_numbers(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                    struct sweep_param *p);
bool reader_values(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                   struct sweep_param *p);
void reader_discrete(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                     struct sweep_param *p);

/* Appliers of single fields (sweep_fields.c). */
void apply_text(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_texts(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_count(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_choice(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_exact(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_wall_time(struct sweep_reader *r, const struct sweep_key *k,
                     const struct yaml_node *node);
void apply_memory(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_seed(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
/* Checked by type, not kept. */
void apply_checked_text(struct sweep_reader *r, const struct sweep_key *k,
                        const struct yaml_node *node);
void apply_checked_texts(struct sweep_reader *r, const struct sweep_key *k,
                         const struct yaml_node *node);
void apply_checked_text_map(struct sweep_reader *r, const struct sweep_key *k,
                            const struct yaml_node *node);
void apply_checked_map(struct sweep_reader *r, const struct sweep_key *k,
                       const struct yaml_node *node);
void apply_checked_maps(struct sweep_reader *r, const struct sweep_key *k,
                        const struct yaml_node *node);
void apply_checked_count(struct sweep_reader *r, const struct sweep_key *k,
                         const struct yaml_node *node);
void apply_checked_duration(struct sweep_reader *r, const struct sweep_key *k,
                            const struct yaml_node *node);

/* Appliers with rules of their own (sweep_special.c). */
void apply_name(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_path(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_table_file(struct sweep_reader *r, const struct sweep_key *k,
                      const struct yaml_node *node);
void apply_command(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_retries(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_max_failed(struct sweep_reader *r, const struct sweep_key *k,
                      const struct yaml_node *node);
void apply_store(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_keep(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_times(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_formats(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_vectors(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_deck_from(struct sweep_reader *r, const struct sweep_key *k,
                     const struct yaml_node *node);
void apply_once_do(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);
void apply_where(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node);

/* spec.parameters (sweep_params.c). */
void apply_parameters(struct sweep_reader *r, const struct sweep_key *k,
                      const struct yaml_node *node);

/* What needs more than one key, when all are read (sweep_check.c). */
void sweep_check_all(struct sweep_reader *r);

#endif
