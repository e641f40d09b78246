"""The front door: `luigi --module pipeline RunAll`.

The task graph, from the videos down; one name is one stage, `results/<stage>/<label>/<key>.<ext>` its result::

    SimulateRecording   one film of the demo (only with [Demo] enabled)            .mp4
      |
    DecodeRecording     one view of one seizure: frames on a uniform clock         .h5
      |
    ExtractFeatures     one seizure: snippets through the network                  .h5
      |
    AssignFolds         patients to folds, once it is known which films are good   .csv
      |
    TrainFold           one fold and seed: a classifier and its history            .pt
      |
    EvaluateFold        one fold and seed: the held-out patients                   .csv
      |
    PoolPredictions  ->  ScorePredictions                                          .csv, .json
      |                    |
      +--------------------+
      |
    WriteReport         one page                                                   .html
      |
    RunAll              all of it, and results/current

Three questions make no result: `Plan` (what would RunAll do, and why?), `Status` (is it complete?), and `Prune` (what
is no longer used?).
`RunSweep` trains and scores many settings on the same folds and features: TabulateSweep, CompareCells, DrawSweep.
For several machines, `ExtractShard` and `FoldShard` do the same in parts (docs/cluster.md).
"""

from pipeline.plan import Plan
from pipeline.prune import Prune
from pipeline.run_all import RunAll
from pipeline.shards import ExtractShard, FoldShard
from pipeline.status import Status
from pipeline.sweep import RunSweep
from tasks.command_line import refuse_mistakes
from tasks.evaluation import EvaluateFold, PoolPredictions, ScorePredictions
from tasks.features import ExtractFeatures
from tasks.folds import AssignFolds
from tasks.report import WriteReport
from tasks.sweep import CompareCells, DrawSweep, TabulateSweep
from tasks.training import TrainFold
from tasks.videos import DecodeRecording, SimulateRecording

__all__ = [
    "AssignFolds",
    "CompareCells",
    "DecodeRecording",
    "DrawSweep",
    "EvaluateFold",
    "ExtractFeatures",
    "ExtractShard",
    "FoldShard",
    "Plan",
    "PoolPredictions",
    "Prune",
    "RunAll",
    "RunSweep",
    "ScorePredictions",
    "SimulateRecording",
    "Status",
    "TabulateSweep",
    "TrainFold",
    "WriteReport",
]

refuse_mistakes(__name__, __all__)
