/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prt.h - what a simulator said: PRT, stdout and stderr of OPM Flow and of Eclipse
 *
 * Feed each stream in pieces as they are read, then ask for the facts. Constant memory, any
 * size: lines are looked at up to PRT_LINE_BYTES, the rest of a longer one is passed over.
 * Files above PRT_HEAD_BYTES + PRT_TAIL_BYTES may be fed as head and tail with prt_gap between:
 * errors come at the head (parsing) or the tail (the end), counts only at the tail. Text is
 * hostile; ANSI colours and control bytes are removed. Pure, reentrant. Messages: docs/worker.md. */
#ifndef DS_AGENT_PRT_H
#define DS_AGENT_PRT_H

#include "decksweep/err.h"
#include "decksweep/span.h"

#define PRT_LINE_BYTES    1024u
#define PRT_MESSAGE_BYTES 301u
#define PRT_FILE_BYTES    200u
#define PRT_HEAD_BYTES    (4u << 20)
#define PRT_TAIL_BYTES    (4u << 20)

enum prt_stream { PRT_STREAM_PRT = 1, PRT_STREAM_STDOUT, PRT_STREAM_STDERR };

/* Which message this is; greater is more telling. The first of the greatest kind wins. */
enum prt_rank {
    PRT_RANK_NONE = 0,
    PRT_RANK_NOISE,    /* "A fatal error has occurred", MPI_ABORT's text, mpirun's epilogue */
    PRT_RANK_CAUSE,    /* "Program threw an exception: ..", "terminate called", what(): */
    PRT_RANK_ERROR,    /* "Error: ..", " @--ERROR" */
    PRT_RANK_SPECIFIC, /* names keyword, file or line */
};

struct prt_facts {
    bool end_banner;        /* "End of simulation" */
    bool simulation_off;    /* "Simulation turned off": NOSIM or a dry run */
    bool has_error_summary; /* the summary block was seen */
    bool has_prt;           /* the PRT stream had a byte */
    bool bad_alloc;         /* std::bad_alloc or its kin */
    bool not_converged;     /* the solver gave up */
    bool bad_option;        /* an option or its value that the simulator does not take */
    bool no_input;          /* the deck was not found */
    bool no_space;          /* "No space left on device", "Disk quota exceeded" */
    bool lost_output;       /* an exception in Flow's output thread, which it swallows */
    bool eclipse;           /* Eclipse's message format was seen */
    int64_t n_warnings, n_errors, n_bugs, n_problems; /* -1: not said */
    int64_t action_status; /* "Simulation exit with status: n requested as part of ACTIONX"; -1 */
    int64_t n_chops;       /* timesteps cut, in PRT or on stdout: where there are more */
    int64_t last_step, n_steps; /* "Report step k/N"; -1 none seen */
    double end_day;             /* "at day t/T"; NaN none seen */
    enum prt_rank rank;
    char message[PRT_MESSAGE_BYTES]; /* first real error on one line; "" none */
    char deck_file[PRT_FILE_BYTES];  /* where it points; "" unknown */
    int64_t deck_line;               /* 0 unknown */
    bool place_is_last_read;         /* deck_file and line are where reading had come to */
};

/* A message while its lines come in. */
struct prt_block {
    bool open;
    enum prt_rank rank;
    unsigned lines_left;
    bool at_place;   /* "In FILE line N" was among its lines */
    bool at_reading; /* it came up while the deck was read */
    bool running;    /* its lines are one text */
    char text[PRT_MESSAGE_BYTES];
    char file[PRT_FILE_BYTES];
    int64_t line;
};

struct prt_reader {
    struct prt_facts facts;
    /* inside */
    enum prt_stream stream;
    char line[PRT_LINE_BYTES + 1];
    size_t n_line;
    unsigned char escape;  /* inside an ANSI sequence */
    unsigned summary_left; /* lines in which counts of the error summary may stand */
    struct prt_block block;
    int64_t chops[4];               /* by stream */
    char read_file[PRT_FILE_BYTES]; /* last "Reading X in F line N" */
    int64_t read_line;
};

void prt_init(struct prt_reader *r);
/* Feed n bytes of a stream; all of one stream before another begins. */
void prt_feed(struct prt_reader *r, enum prt_stream stream, const char *bytes, size_t n);
/* Bytes were left out here: the line begun is forgotten. */
void prt_gap(struct prt_reader *r);
/* No more bytes; out is complete. */
void prt_finish(struct prt_reader *r, struct prt_facts *out);

/* Flow names included files absolutely: take `dir` (the case's folder, absolute, without a slash at
 * its end; "" does nothing) and a slash off deck_file and wherever message has them. */
void prt_make_relative(struct prt_facts *f, struct ds_span dir);

#endif
