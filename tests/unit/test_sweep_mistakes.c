/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a sweep file may get wrong, and what is said about it. */
#include "sweep_help.h"

struct bad_row {
    const char *spec; /* below `  deck: D.DATA` on line 5; first own line is 6 */
    const char *says; /* the whole complaint starts so */
};

#define GRID     "  design: {method: grid}\n"
#define PARAM(p) "  parameters:\n    A: " p "\n  design: {method: monte-carlo, samples: 9}\n"

static const struct bad_row BAD[] = {
    /* keys */
    {GRID "  sede: 1\n", "s.yaml:7:3: spec.sede: unknown key"},
    {GRID "  seed: 1\n", "s.yaml:7:3: spec.seed: unknown key here; there is spec.design.seed"},
    {"  design: {metod: grid}\n", "s.yaml:6:3: spec.design.method: missing"},
    {"  design: {method: grid, smaples: 3}\n",
     "s.yaml:6:26: spec.design.smaples: unknown key (did you mean 'samples'?)"},
    {GRID "  run: Active\n  run: Active\n", "s.yaml:8:3: spec.run: this key stands here twice"},
    {"  design: {method: grid, method: grid}\n",
     "s.yaml:6:26: spec.design.method: this key stands here twice"},
    {"  design: grid\n", "s.yaml:6:11: spec.design: one value stands here; write a mapping"},
    {"  design: [grid]\n", "s.yaml:6:11: spec.design: a list stands here; write a mapping"},
    {"", "s.yaml:4:1: spec.design: missing"},
    /* design */
    {"  design: {method: gird}\n",
     "s.yaml:6:20: spec.design.method: 'gird' is none of "
     "grid|latin-hypercube|sobol|monte-carlo|one-at-a-time|table (did you mean 'grid'?)"},
    {"  design: {method: [grid]}\n", "s.yaml:6:20: spec.design.method: a list stands here"},
    {PARAM("{uniform: {min: 1, max: 2}}") "  collect: {times: hourly}\n",
     "s.yaml:9:20: spec.collect.times: 'hourly'; write report"},
    {"  parameters: {A: {values: [1]}}\n  design: {method: sobol}\n",
     "s.yaml:7:3: spec.design.samples: missing; sobol needs a number of cases"},
    {"  parameters: {A: {values: [1]}}\n  design: {method: sobol, samples: 0}\n",
     "s.yaml:7:36: spec.design.samples: 0; write a whole number from 1 to 1000000"},
    {"  parameters: {A: {values: [1]}}\n  design: {method: sobol, samples: 1000001}\n",
     "s.yaml:7:36: spec.design.samples: 1000001; write a whole number"},
    {"  parameters: {A: {values: [1]}}\n  design: {method: sobol, samples: 2.5}\n",
     "s.yaml:7:36: spec.design.samples: 2.5; write a whole number"},
    {"  parameters: {A: {values: [1]}}\n  design: {method: sobol, samples: \"9\"}\n",
     "s.yaml:7:36: spec.design.samples: a text stands here; write the number without quotes"},
    {"  design: {method: grid, samples: 9}\n",
     "s.yaml:6:26: spec.design.samples: grid counts its cases itself; remove samples"},
    {"  parameters: {A: {values: [1]}}\n  design: {method: one-at-a-time, samples: 9}\n",
     "s.yaml:7:35: spec.design.samples: one-at-a-time counts its cases itself"},
    {"  design: {method: grid, file: c.csv}\n",
     "s.yaml:6:32: spec.design.file: only method table reads a file"},
    {"  design: {method: table}\n", "s.yaml:6:3: spec.design.file: missing"},
    {"  design: {method: grid, seed: -1}\n", "s.yaml:6:32: spec.design.seed: -1; write a whole"},
    {"  design: {method: grid, seed: 1e17}\n",
     "s.yaml:6:32: spec.design.seed: 1e17; write a whole"},
    {"  design: {method: sobol, samples: 3}\n",
     "s.yaml:6:3: spec.design.method: sobol needs a parameter that varies"},
    {"  design: {method: grid, where: \"\"}\n", "s.yaml:6:33: spec.design.where: empty"},
    {"  parameters: {PORO: {values: [1]}}\n  design: {method: grid, where: \"PORA > 1\"}\n",
     "s.yaml:7:34: spec.design.where: there is no parameter 'PORA' (did you mean 'PORO'?)"},
    {"  parameters: {PORO: {values: [1]}}\n  design: {method: grid, where: \"PORO = 1\"}\n",
     "s.yaml:7:39: spec.design.where: '=' assigns; compare with '=='"},
    {"  parameters: {PORO: {values: [a]}}\n  design: {method: grid, where: \"PORO > 1\"}\n",
     "s.yaml:7:34: spec.design.where: PORO has texts; a formula needs numbers"},
    /* parameters */
    {"  parameters: 5\n" GRID, "s.yaml:6:15: spec.parameters: one value stands here"},
    {PARAM("5"), "s.yaml:7:8: spec.parameters.A: write a kind of values"},
    {PARAM("{}"), "s.yaml:7:5: spec.parameters.A: no kind of values"},
    {PARAM("{decimals: 2}"), "s.yaml:7:5: spec.parameters.A: no kind of values"},
    {PARAM("{unifrom: {min: 1, max: 2}}"),
     "s.yaml:7:9: spec.parameters.A.unifrom: unknown key (did you mean 'uniform'?)"},
    {PARAM("{values: [1], uniform: {min: 1, max: 2}}"),
     "s.yaml:7:22: spec.parameters.A: both values and uniform; keep one"},
    {PARAM("{values: []}"), "s.yaml:7:17: spec.parameters.A.values: write a list of at least one"},
    {PARAM("{values: 3}"), "s.yaml:7:17: spec.parameters.A.values: write a list of at least one"},
    {PARAM("{values: [[1]]}"), "s.yaml:7:18: spec.parameters.A.values: a list stands here"},
    {PARAM("{values: [yes]}"), "s.yaml:7:18: spec.parameters.A.values: yes is read differently"},
    {PARAM("{values: [0x1F]}"), "s.yaml:7:18: spec.parameters.A.values: 0x1F is read differently"},
    {PARAM("{values: [007]}"), "s.yaml:7:18: spec.parameters.A.values: 007 is read differently"},
    {PARAM("{values: [.nan]}"), "s.yaml:7:18: spec.parameters.A.values: .nan is read differently"},
    {PARAM("{values: [\"\"]}"), "s.yaml:7:18: spec.parameters.A.values: empty"},
    {PARAM("{values: [~]}"), "s.yaml:7:18: spec.parameters.A.values: ~ is read differently"},
    {PARAM("{values: [\"a\\nb\"]}"),
     "s.yaml:7:18: spec.parameters.A.values: a line end or control"},
    {PARAM("{uniform: {min: 2, max: 1}}"),
     "s.yaml:7:32: spec.parameters.A.uniform: the range is empty or turned round; min < max"},
    {PARAM("{uniform: {min: 1, max: 1}}"),
     "s.yaml:7:32: spec.parameters.A.uniform: the range is empty or turned round"},
    {PARAM("{uniform: {min: 1}}"), "s.yaml:7:18: spec.parameters.A.uniform: write all of min, max"},
    {PARAM("{uniform: {min: 1, max: 2, mean: 1}}"),
     "s.yaml:7:35: spec.parameters.A.uniform.mean: unknown key (did you mean 'min'?); it takes "
     "min, max"},
    {PARAM("{uniform: {min: 1, max: 2, max: 3}}"),
     "s.yaml:7:35: spec.parameters.A.uniform.max: this key stands here twice"},
    {PARAM("{uniform: {min: 1, max: two}}"),
     "s.yaml:7:32: spec.parameters.A.uniform.max: 'two' is no number"},
    {PARAM("{uniform: {min: 1, max: 1e400}}"),
     "s.yaml:7:32: spec.parameters.A.uniform.max: '1e400' is no number"},
    {PARAM("{uniform: {min: -1e308, max: 1.7e308}}"),
     "s.yaml:7:37: spec.parameters.A.uniform: the range is wider than numbers reach"},
    {PARAM("{uniform: [1, 2]}"), "s.yaml:7:18: spec.parameters.A.uniform: a list stands here"},
    {PARAM("{loguniform: {min: 0, max: 2}}"),
     "s.yaml:7:27: spec.parameters.A.loguniform.min: must be above 0"},
    {PARAM("{normal: {mean: 1, sd: 0}}"),
     "s.yaml:7:31: spec.parameters.A.normal.sd: must be above"},
    {PARAM("{normal: {mean: 1, q10: 0}}"),
     "s.yaml:7:17: spec.parameters.A.normal: write all of mean, sd; or q10, q90"},
    {PARAM("{normal: {q10: 1, q90: 0}}"),
     "s.yaml:7:31: spec.parameters.A.normal: the range is empty or turned round; q10 < q90"},
    {PARAM("{lognormal: {q10: 0, q90: 1}}"),
     "s.yaml:7:26: spec.parameters.A.lognormal.q10: must be"},
    {PARAM("{lognormal: {mean: 0, sd: 1}}"),
     "s.yaml:7:21: spec.parameters.A.lognormal.mean: unknown key (did you mean 'meanlog'?)"},
    {PARAM("{lognormal: {meanlog: 800, sdlog: 1}}"),
     "s.yaml:7:30: spec.parameters.A.lognormal: e to the meanlog is beyond all numbers"},
    {PARAM("{truncated-normal: {mean: 0, sd: 1, min: 2, max: 1}}"),
     "s.yaml:7:57: spec.parameters.A.truncated-normal: the range is empty"},
    {PARAM("{truncated-normal: {mean: 0, sd: 1, min: 40, max: 50}}"),
     "s.yaml:7:34: spec.parameters.A.truncated-normal: min to max is more than 30 sd"},
    {PARAM("{triangular: {min: 0, mode: 5, max: 1}}"),
     "s.yaml:7:36: spec.parameters.A.triangular: the range is empty or turned round"},
    {PARAM("{pert: {min: 1, mode: 1, max: 1}}"), "s.yaml:7:30: spec.parameters.A.pert: the range"},
    {PARAM("{integers: {min: 1.5, max: 3}}"), "s.yaml:7:25: spec.parameters.A.integers.min: 1.5;"},
    {PARAM("{integers: {min: 4, max: 3}}"), "s.yaml:7:33: spec.parameters.A.integers: the range"},
    {PARAM("{linspace: {from: 1, to: 1, count: 3}}"),
     "s.yaml:7:33: spec.parameters.A.linspace: from and to are equal"},
    {PARAM("{linspace: {from: 1, to: 2, count: 0}}"),
     "s.yaml:7:43: spec.parameters.A.linspace.count: 0; write a whole number from 1"},
    {PARAM("{linspace: {from: 1, to: 2, count: 1}}"),
     "s.yaml:7:43: spec.parameters.A.linspace.count: 1 gives no room"},
    {PARAM("{logspace: {from: 0, to: 2, count: 3}}"),
     "s.yaml:7:26: spec.parameters.A.logspace.from: must be above 0"},
    {PARAM("{discrete: {values: [1, 2], weights: [0.5, 0.4]}}"),
     "s.yaml:7:45: spec.parameters.A.discrete.weights: the weights sum to 0.9; they must sum to 1"},
    {PARAM("{discrete: {values: [1, 2], weights: [1]}}"),
     "s.yaml:7:45: spec.parameters.A.discrete.weights: write a list with one weight a value (2)"},
    {PARAM("{discrete: {values: [1, 2], weights: [-1, 2]}}"),
     "s.yaml:7:46: spec.parameters.A.discrete.weights: -1; a weight is a probability"},
    {PARAM("{discrete: {values: [1, 2]}}"),
     "s.yaml:7:19: spec.parameters.A.discrete: write values and weights"},
    {PARAM("{discrete: {valus: [1, 2]}}"),
     "s.yaml:7:19: spec.parameters.A.discrete: write values and weights"},
    {PARAM("{files: \"\"}"), "s.yaml:7:16: spec.parameters.A.files: empty"},
    {PARAM("{files: [a]}"), "s.yaml:7:16: spec.parameters.A.files: a list stands here"},
    {PARAM("{expression: \"A + 1\"}"),
     "s.yaml:7:22: spec.parameters.A.expression: refers to itself"},
    {PARAM("{expression: \"1 + \"}"), "s.yaml:7:2"},
    {PARAM("{uniform: {min: 1, max: 2}, decimals: 16}"),
     "s.yaml:7:46: spec.parameters.A.decimals: 16; write a whole number from 0 to 15"},
    {PARAM("{uniform: {min: 0.1, max: 0.2}, decimals: 0}"),
     "s.yaml:7:5: spec.parameters.A.decimals: 0 leaves only one value between min and max"},
    {PARAM("{values: [a, b], decimals: 1}"),
     "s.yaml:7:5: spec.parameters.A.decimals: there are texts"},
    {PARAM("{values: [a, b], low: 1}"),
     "s.yaml:7:5: spec.parameters.A: low, base and high are for"},
    {PARAM("{values: [1], low: x}"), "s.yaml:7:27: spec.parameters.A.low: 'x' is no number"},
    {PARAM("{values: [1], with: B}"),
     "s.yaml:7:5: spec.parameters.A.with: there is no parameter 'B'"},
    {PARAM("{values: [1], with: A}"), "s.yaml:7:5: spec.parameters.A.with: 'A' moves with another"},
    {PARAM("{values: [1], with: B}\n    B: {values: [1, 2]}"),
     "s.yaml:7:5: spec.parameters.A.with: 1 values here, 2 in B; both need as many"},
    {PARAM("{values: [1], with: B}\n    B: {uniform: {min: 1, max: 2}}"),
     "s.yaml:7:5: spec.parameters.A.with: only lists move together"},
    {PARAM("{values: [1, 2], with: B}\n    B: {values: [1, 2], low: 1}"),
     "s.yaml:7:5: spec.parameters.A.with: B has low, base or high"},
    {PARAM("{values: [1]}\n    REAL: {values: [1]}"),
     "s.yaml:8:5: spec.parameters.REAL: this name is decksweep's own"},
    {PARAM("{values: [1]}\n    IENS: {values: [1]}"),
     "s.yaml:8:5: spec.parameters.IENS: this name"},
    {PARAM("{values: [1]}\n    ITER: {values: [1]}"),
     "s.yaml:8:5: spec.parameters.ITER: this name"},
    {PARAM("{values: [1]}\n    1A: {values: [1]}"), "s.yaml:8:5: spec.parameters: '1A' is no name"},
    {PARAM("{values: [1]}\n    A-B: {values: [1]}"),
     "s.yaml:8:5: spec.parameters: 'A-B' is no name"},
    {PARAM("{expression: \"B\"}\n    B: {expression: \"C\"}\n    C: {expression: \"A\"}"),
     "s.yaml:7:5: spec.parameters.A.expression: it depends on itself through others"},
    {"  parameters:\n    A: {uniform: {min: 1, max: 2}}\n" GRID,
     "s.yaml:7:5: spec.parameters.A: grid needs a list of values, uniform has none"},
    {"  parameters:\n    A: {uniform: {min: 1, max: 2}}\n  design: {method: table, file: c}\n",
     "s.yaml:7:5: spec.parameters.A: method table takes values from its columns"},
    /* simulator, resources, failure */
    {GRID "  simulator: {preset: eclipse}\n",
     "s.yaml:7:23: spec.simulator.preset: 'eclipse' is none"},
    {GRID "  simulator: {preset: flow, command: [a]}\n",
     "s.yaml:7:29: spec.simulator: both preset and command; keep one"},
    {GRID "  simulator: {command: []}\n", "s.yaml:7:24: spec.simulator.command: empty"},
    {GRID "  simulator: {command: run.sh}\n", "s.yaml:7:24: spec.simulator.command: one value"},
    {GRID "  simulator: {command: [a, b]}\n  resources: {ranks: 2}\n",
     "s.yaml:7:15: spec.simulator.command: holds no {ranks}, but spec.resources.ranks is 2; write"},
    {GRID "  simulator: {command: [a, \"{dekc}\"]}\n",
     "s.yaml:7:29: spec.simulator.command: unknown '{dekc}' (did you mean '{deck}'?)"},
    {GRID "  simulator: {judge: flwo}\n", "s.yaml:7:22: spec.simulator.judge: 'flwo' is none of"},
    {GRID "  simulator: {args: --x}\n", "s.yaml:7:21: spec.simulator.args: one value stands here"},
    {GRID "  simulator: {args: [[x]]}\n", "s.yaml:7:22: spec.simulator.args: a list stands here"},
    {GRID "  simulator: {wallTime: 2x}\n",
     "s.yaml:7:25: spec.simulator.wallTime: '2x' is no duration"},
    {GRID "  simulator: {wallTime: 10ms}\n",
     "s.yaml:7:25: spec.simulator.wallTime: 10ms; write at"},
    {GRID "  simulator: {wallTime: 99999d}\n",
     "s.yaml:7:25: spec.simulator.wallTime: '99999d' is more"},
    {GRID "  simulator: {version: [1]}\n",
     "s.yaml:7:24: spec.simulator.version: a list stands here"},
    {GRID "  resources: {memory: 3 parsec}\n",
     "s.yaml:7:23: spec.resources.memory: '3 parsec': unknown unit 'parsec'"},
    {GRID "  resources: {memory: 0}\n",
     "s.yaml:7:23: spec.resources.memory: 0; write at least 1MiB"},
    {GRID "  resources: {memory: -1GiB}\n", "s.yaml:7:23: spec.resources.memory: '-1GiB'"},
    {GRID "  resources: {ranks: 0}\n",
     "s.yaml:7:22: spec.resources.ranks: 0; write a whole number"},
    {GRID "  resources: {ranks: 99, threads: 99}\n",
     "s.yaml:7:26: spec.resources.threads: 99 ranks with 99 threads each are more than 4096 cores"},
    {GRID "  resources: {pilot: 5000}\n", "s.yaml:7:22: spec.resources.pilot: 5000; write a whole"},
    {GRID "  failure: {retries: {timeout: 1}}\n",
     "s.yaml:7:23: spec.failure.retries.timeout: unknown key"},
    {GRID "  failure: {retries: {lost: 101}}\n", "s.yaml:7:29: spec.failure.retries: 101; write"},
    {GRID "  failure: {retries: {lost: 1, lost: 2}}\n",
     "s.yaml:7:32: spec.failure.retries.lost: this key stands here twice"},
    {GRID "  failure: {retries: 3}\n", "s.yaml:7:22: spec.failure.retries: one value stands here"},
    {GRID "  failure: {maxFailed: 101%}\n", "s.yaml:7:24: spec.failure.maxFailed: '101%'; write"},
    {GRID "  failure: {maxFailed: -3}\n", "s.yaml:7:24: spec.failure.maxFailed: '-3'; write"},
    {GRID "  failure: {maxFailed: 2.5}\n", "s.yaml:7:24: spec.failure.maxFailed: '2.5'; write"},
    /* results, collect, the rest */
    {GRID "  results: {store: \"ftp://x\"}\n",
     "s.yaml:7:20: spec.results.store: unknown kind of store 'ftp://'"},
    {GRID "  results: {store: \"s3://\"}\n", "s.yaml:7:20: spec.results.store: no bucket in"},
    {GRID "  results: {store: \"pvc:///x\"}\n", "s.yaml:7:20: spec.results.store: no claim in"},
    {GRID "  results: {keep: []}\n", "s.yaml:7:19: spec.results.keep: empty"},
    {GRID "  results: {keep: summary}\n", "s.yaml:7:19: spec.results.keep: one value stands here"},
    {GRID "  results: {keep: [sumary]}\n",
     "s.yaml:7:20: spec.results.keep: 'sumary' is no class of results (did you mean 'summary'?)"},
    {GRID "  results: {keep: [\"a/*\"]}\n", "s.yaml:7:20: spec.results.keep: '/' in a file name"},
    {GRID "  results: {trim: on}\n", "s.yaml:7:19: spec.results.trim: 'on' is none of auto|off"},
    {GRID "  results: {compression: 20}\n", "s.yaml:7:26: spec.results.compression: 20; write a"},
    {GRID "  collect: {vectors: []}\n", "s.yaml:7:22: spec.collect.vectors: empty"},
    {GRID "  collect: {vectors: [FOPR, \"W[OP\"]}\n",
     "s.yaml:7:29: spec.collect.vectors: vector pattern 'W[OP': [ without ]"},
    {GRID "  collect: {vectors: [\":PROD\"]}\n",
     "s.yaml:7:23: spec.collect.vectors: vector pattern ':PROD': no keyword before the colon"},
    {GRID "  collect: {formats: []}\n", "s.yaml:7:22: spec.collect.formats: empty"},
    {GRID "  collect: {formats: [parquet]}\n",
     "s.yaml:7:23: spec.collect.formats: 'parquet' is none"},
    {GRID "  collect: {times: {every: 0}}\n",
     "s.yaml:7:28: spec.collect.times.every: 0; write whole"},
    {GRID "  collect: {times: {every: 1.5s}}\n",
     "s.yaml:7:28: spec.collect.times.every: 1.5s; write"},
    {GRID "  collect: {times: {evry: 1d}}\n", "s.yaml:7:20: spec.collect.times: write report"},
    {GRID "  collect: {times: {dates: []}}\n",
     "s.yaml:7:28: spec.collect.times.dates: write a list"},
    {GRID "  collect: {times: {dates: [2020-13-01]}}\n",
     "s.yaml:7:29: spec.collect.times.dates: '2020-13-01' is no date"},
    {GRID "  collect: {times: {dates: [2021-02-29]}}\n",
     "s.yaml:7:29: spec.collect.times.dates: '2021-02-29' is no date"},
    {GRID "  run: Paused\n",
     "s.yaml:7:8: spec.run: 'Paused' is none of Active|Suspended|Cancelled"},
    {GRID "  deckFrom: {configmap: x}\n",
     "s.yaml:7:14: spec.deckFrom.configmap: unknown key (did you mean 'configMap'?)"},
    {GRID "  deckFrom: {store: x, url: y}\n", "s.yaml:7:13: spec.deckFrom: write exactly one of"},
    {GRID "  once: {do: [retry]}\n", "s.yaml:7:15: spec.once.do: 'retry' is none of"},
    {GRID "  cluster: {queu: x}\n",
     "s.yaml:7:13: spec.cluster.queu: unknown key (did you mean 'queue'?)"},
    {GRID "  cluster: {labels: [x]}\n", "s.yaml:7:21: spec.cluster.labels: a list stands here"},
    {GRID "  cluster: {labels: {a: [x]}}\n",
     "s.yaml:7:25: spec.cluster.labels.a: a list stands here"},
    {GRID "  cluster: {tolerations: [x]}\n", "s.yaml:7:27: spec.cluster.tolerations: one value"},
    {GRID "  cluster: {workerCores: 0}\n",
     "s.yaml:7:26: spec.cluster.workerCores: 0; write a whole"},
    {GRID "  cluster: {ttl: soon}\n", "s.yaml:7:18: spec.cluster.ttl: 'soon' is no duration"},
    {GRID "  cluster: {securityContext: 5}\n",
     "s.yaml:7:30: spec.cluster.securityContext: one value"},
};

Test(sweep_mistakes, each_mistake_is_told_with_place_key_and_cure)
{
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        auto_case c = parse_spec(BAD[i].spec);
        cr_expect_eq(c.rc, DS_EINPUT, "accepted:\n%s", BAD[i].spec);
        cr_expect(strncmp(c.err.text, BAD[i].says, strlen(BAD[i].says)) == 0,
                  "wanted %s\ngot    %s", BAD[i].says, c.err.text);
    }
}

Test(sweep_mistakes, the_head_of_the_file_is_checked)
{
    static const struct {
        const char *text, *says;
    } ROWS[] = {
        {"", "s.yaml:1:1: the file is empty; `decksweep init DECK`"},
        {"- a\n", "s.yaml:1:1: the sweep file: a list stands here"},
        {"a\n", "s.yaml:1:1: the sweep file: one value stands here"},
        {"kind: Sweep\nspec: {deck: D, design: {method: grid}}\nmetadata: {name: x}\n",
         "s.yaml:1:1: apiVersion: missing; write it, for example decksweep.io/v1alpha1"},
        {"apiVersion: v1\nkind: Sweep\nmetadata: {name: x}\nspec: {deck: D, design: {method: "
         "grid}}\n",
         "s.yaml:1:13: apiVersion: 'v1' is none of decksweep.io/v1alpha1"},
        {"apiVersion: decksweep.io/v1alpha1\nkind: Pod\nmetadata: {name: x}\n"
         "spec: {deck: D, design: {method: grid}}\n",
         "s.yaml:2:7: kind: 'Pod' is none of Sweep"},
        {"apiVersion: decksweep.io/v1alpha1\nkind: Sweep\nmetadata: {}\n"
         "spec: {deck: D, design: {method: grid}}\n",
         "s.yaml:3:1: metadata.name: missing"},
        {"apiVersion: decksweep.io/v1alpha1\nkind: Sweep\nmetadata: {name: A_b}\n"
         "spec: {deck: D, design: {method: grid}}\n",
         "s.yaml:3:18: metadata.name: 'A_b' is no DNS label"},
        {"apiVersion: decksweep.io/v1alpha1\nkind: Sweep\nmetadata: {name: -a}\n"
         "spec: {deck: D, design: {method: grid}}\n",
         "s.yaml:3:18: metadata.name: '-a' is no DNS label"},
        {"apiVersion: decksweep.io/v1alpha1\nkind: Sweep\n"
         "metadata: {name: a1234567890123456789012345678901234567890}\n"
         "spec: {deck: D, design: {method: grid}}\n",
         "s.yaml:3:18: metadata.name: 41 characters; at most 40"},
        {"apiVersion: decksweep.io/v1alpha1\nkind: Sweep\nmetadata: {name: x}\n"
         "spec: {design: {method: grid}}\n",
         "s.yaml:4:1: spec.deck: missing; write it, for example SPE1.DATA"},
        {"a: [1\n", "s.yaml:2:1: no YAML"},
        {"a: &x 1\nb: *x\n", "s.yaml:1:4: anchors (&) are not taken here"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        auto_case c = parse_text(ROWS[i].text);
        cr_expect_eq(c.rc, DS_EINPUT);
        cr_expect(strncmp(c.err.text, ROWS[i].says, strlen(ROWS[i].says)) == 0,
                  "wanted %s\ngot    %s", ROWS[i].says, c.err.text);
    }
}

Test(sweep_mistakes, all_mistakes_come_together_in_file_order)
{
    auto_case c =
        parse_spec("  results: {keep: [x]}\n  collect: {times: x}\n  design: {method: x}\n"
                   "  parameters:\n    Z: {values: []}\n    A: {values: []}\n");
    cr_assert_eq(c.problems.n, 5);
    for (size_t i = 1; i < c.problems.n; i++)
        cr_expect(c.problems.at[i].pos.line > c.problems.at[i - 1].pos.line);
}

Test(sweep_mistakes, the_first_fifty_mistakes_are_kept_and_the_others_counted)
{
    char spec[8192] = "  design: {method: grid}\n  parameters:\n";
    size_t n = strlen(spec);
    for (int i = 119; i >= 0; i--)
        n += (size_t)snprintf(spec + n, sizeof spec - n, "    P%03d: {values: []}\n", i);
    auto_case c = parse_spec(spec);
    cr_assert_eq(c.problems.n, SWEEP_MAX_ERRORS);
    cr_assert_eq(c.problems.more, 70);
    cr_assert_eq(c.problems.at[0].pos.line, 8);
    cr_assert_eq(c.problems.at[49].pos.line, 57);
}

Test(sweep_mistakes, a_problem_shows_its_own_file_and_no_control_bytes)
{
    struct sweep_problems all = {0};
    char text[SWEEP_PROBLEM_BYTES];
    sweep_problem_add(&all, DS_SPAN("c.csv"), (struct sweep_pos){3, 7}, "bad\x1b[2J\n'%s'", "x");
    sweep_problem_add(&all, DS_SPAN(""), (struct sweep_pos){9, 1}, "first");
    sweep_problem_add(&all, DS_SPAN(""), (struct sweep_pos){0, 0}, "nowhere");
    sweep_problem_format(DS_SPAN("s.yaml"), &all.at[0], text);
    cr_expect_str_eq(text, "s.yaml: nowhere");
    sweep_problem_format(DS_SPAN("s.yaml"), &all.at[1], text);
    cr_expect_str_eq(text, "s.yaml:9:1: first");
    sweep_problem_format(DS_SPAN("s.yaml"), &all.at[2], text);
    cr_expect_str_eq(text, "c.csv:3:7: bad?[2J?'x'");
}
