#!/usr/bin/env bash
# The whole pipeline on a Slurm cluster, from the project's folder: features in parts, folds in parts, then RunAll.
#
#   cluster/slurm.sh [options] [-- further arguments of luigi]
#     --shards N          parts of the extraction, each a process (with a GPU of its own if asked for)  [4]
#     --fold-shards N     parts of the training                                                         [4]
#     --gpus SPEC         GPUs of one extraction part, as sbatch's --gres takes it: gpu:1               [none]
#     --cpus N            cores of one part                                                             [1]
#     --time LIMIT        wall time of one part                                                         [the partition's]
#     --sbatch OPTION     any other option of sbatch for all jobs, e.g. --sbatch --partition=main; may be repeated
#     --logs FOLDER       where the jobs' output goes                                                   [slurm-logs]
#     --no-wait           return after submitting, instead of waiting and ending with RunAll's exit code
#
# Five minutes before the wall time a part is told to finish its present task and stop (SIGUSR1, exit code 25). Whatever
# ended a part: the next jobs start all the same, RunAll does what is left, and submitting again does only what is missing.
set -euo pipefail

shards=4 fold_shards=4 gpus="" cpus=1 logs=slurm-logs wait=--wait
common=(--parsable --signal=B:USR1@300 --open-mode=append)
while [ $# -gt 0 ]; do
  case $1 in
    --shards) shards=$2; shift 2 ;;
    --fold-shards) fold_shards=$2; shift 2 ;;
    --gpus) gpus=$2; shift 2 ;;
    --cpus) cpus=$2; shift 2 ;;
    --time) common+=(--time="$2"); shift 2 ;;
    --sbatch) common+=("$2"); shift 2 ;;
    --logs) logs=$2; shift 2 ;;
    --no-wait) wait=""; shift ;;
    --) shift; break ;;
    -h|--help) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) echo "$0: $1: no such option; see --help" >&2; exit 2 ;;
  esac
done
if [ ! -f luigi.cfg ]; then
  echo "$0: no luigi.cfg in $PWD; run it from the project's folder" >&2
  exit 2
fi
luigi=${LUIGI:-$PWD/.venv/bin/luigi}
if [ ! -x "$luigi" ]; then
  luigi=$(command -v luigi) || { echo "$0: no luigi in .venv/bin or on the PATH; run make install" >&2; exit 2; }
fi
mkdir -p "$logs"
common+=(--cpus-per-task="$cpus")
further=""
[ $# -eq 0 ] || further=$(printf ' %q' "$@")

# `exec`: the signal of --signal=B: goes to the batch shell, which is Luigi then.
body() { printf 'export OMP_NUM_THREADS=%s\nexec %q --module pipeline %s%s' "$cpus" "$luigi" "$1" "$further"; }

extract=$(sbatch "${common[@]}" ${gpus:+--gres="$gpus"} --job-name=ExtractShard --array="0-$((shards - 1))" \
  --output="$logs/%x-%A_%a.log" --wrap="$(body "ExtractShard --shard \$SLURM_ARRAY_TASK_ID --shards $shards")")
extract=${extract%%;*}
folds=$(sbatch "${common[@]}" --dependency=afterany:"$extract" --job-name=FoldShard --array="0-$((fold_shards - 1))" \
  --output="$logs/%x-%A_%a.log" --wrap="$(body "FoldShard --shard \$SLURM_ARRAY_TASK_ID --shards $fold_shards")")
folds=${folds%%;*}
echo "ExtractShard: job $extract ($shards parts); FoldShard: job $folds ($fold_shards parts); RunAll comes last" >&2
# RunAll may have features to extract, where a part failed, and so gets the same GPUs.
sbatch "${common[@]}" ${gpus:+--gres="$gpus"} $wait --dependency=afterany:"$folds" --job-name=RunAll \
  --output="$logs/%x-%j.log" --wrap="$(body RunAll)"
