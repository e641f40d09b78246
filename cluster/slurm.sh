#!/usr/bin/env bash
# Run the whole pipeline on a Slurm cluster, from the project folder: features in shards, folds in shards, then RunAll.
#
#   cluster/slurm.sh [options] [-- more luigi arguments]
#     --shards N          shards of the extraction, each one process (with its own GPU if requested)    [4]
#     --fold-shards N     shards of the training                                                        [4]
#     --gpus SPEC         GPUs per extraction shard, in the syntax of sbatch's --gres: gpu:1            [none]
#     --cpus N            cores per shard                                                               [1]
#     --time LIMIT        wall time per shard                                                           [the partition's]
#     --sbatch OPTION     any other sbatch option for all jobs, e.g. --sbatch --partition=main; can be repeated
#     --logs FOLDER       where the jobs' output goes                                                   [slurm-logs]
#     --no-wait           return after submitting, instead of waiting for RunAll and returning its exit code
#
# Five minutes before the wall time a shard receives SIGUSR1: it finishes its current task and stops with exit code 25.
# However a shard ends, the next jobs start and RunAll does what is left. Resubmitting runs only what is missing.
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
    *) echo "$0: $1: unknown option; see --help" >&2; exit 2 ;;
  esac
done
if [ ! -f luigi.cfg ]; then
  echo "$0: no luigi.cfg in $PWD; run this in the project folder" >&2
  exit 2
fi
luigi=${LUIGI:-$PWD/.venv/bin/luigi}
if [ ! -x "$luigi" ]; then
  luigi=$(command -v luigi) || { echo "$0: no luigi in .venv/bin or on the PATH; run make install" >&2; exit 2; }
fi
mkdir -p "$logs"
common+=(--cpus-per-task="$cpus")
more=""
[ $# -eq 0 ] || more=$(printf ' %q' "$@")

# `exec` replaces the batch shell by Luigi, so that Luigi receives the signal of --signal=B:.
body() { printf 'export OMP_NUM_THREADS=%s\nexec %q --module pipeline %s%s' "$cpus" "$luigi" "$1" "$more"; }

extract=$(sbatch "${common[@]}" ${gpus:+--gres="$gpus"} --job-name=ExtractShard --array="0-$((shards - 1))" \
  --output="$logs/%x-%A_%a.log" --wrap="$(body "ExtractShard --shard \$SLURM_ARRAY_TASK_ID --shards $shards")")
extract=${extract%%;*}
folds=$(sbatch "${common[@]}" --dependency=afterany:"$extract" --job-name=FoldShard --array="0-$((fold_shards - 1))" \
  --output="$logs/%x-%A_%a.log" --wrap="$(body "FoldShard --shard \$SLURM_ARRAY_TASK_ID --shards $fold_shards")")
folds=${folds%%;*}
echo "ExtractShard: job $extract ($shards shards); FoldShard: job $folds ($fold_shards shards); then RunAll" >&2
# RunAll gets the same GPUs, because it extracts what a failed shard left.
sbatch "${common[@]}" ${gpus:+--gres="$gpus"} $wait --dependency=afterany:"$folds" --job-name=RunAll \
  --output="$logs/%x-%j.log" --wrap="$(body RunAll)"
