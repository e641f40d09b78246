"""The front door: `luigi --module pipeline RunAll`.

The task graph, from the videos down. Each name is a stage; its result is `results/<stage>/<label>/<key>.<ext>`::

    SimulateRecording   one video of the demo (only with [Demo] enabled)           .mp4
      |
    DecodeRecording     one view of one seizure: frames on a uniform clock         .h5
      |
    ExtractFeatures     one seizure: snippets through the network                  .h5
      |                 (ImportedFeatures instead, if a seizure's features come from elsewhere)
    CompareFeatures     no two patients have the same features                     .json
      |
    AssignFolds         patients to folds, once all videos have been decoded       .csv
      |
    TrainFold           one fold and seed: a classifier and its training history   .pt
      |
    EvaluateFold        one fold and seed: predictions for the held-out patients   .csv
      |
    PredictBaselines    the baselines, on the same folds: label, duration, movement .csv
      |
    PoolPredictions  ->  ScorePredictions                                          .csv, .json
      |                    |
      +--------------------+
      |
    DrawPictures        all figures, with their data                               .zip
    WriteProvenance     versions, settings, cohort, training, what was left out    .json
    TabulateChecklists  ->  WriteChecklists: what the run answers of TRIPOD+AI ... .csv, .html
      |
    WriteReport         one page                                                   .html
      |
    RunAll              all of it, and results/current

Separately, before anything is computed::

    SurveyFile          one video, fully decoded: what it is, what is wrong        .json
    DrawContactSheet    one view of one seizure, with its crop and mask            .png
      |
    InspectVideos       a table and a page with a verdict on every video           .csv, .html

Three tasks ask questions and write no results: `Plan` (what would RunAll do, and why?), `Status` (is everything
complete?) and `Prune` (what is no longer used?). `ExtractShard` and `FoldShard` split the work over several machines
(docs/cluster.md). `RunSweep` trains and scores many settings on the same folds and features: TabulateSweep,
CompareCells, DrawSweep, WriteProtocols. `RunSnippets` compares networks on single snippets, before and after the clonic
onset: ClassifySnippets (one network and fold), PoolSnippets, TabulateSnippets, DrawSnippets, WriteSnippets.

`ExportFeatures`, `ImportFeatures`, `ValidateFeatures` and `CheckDrift` exchange features with other laboratories;
`ImportGestures` imports the paper's public features.
"""

from pipeline.exchange import CheckDrift, ExportFeatures, ImportFeatures, ValidateFeatures
from pipeline.front_door import check_command_line
from pipeline.gestures import ImportGestures
from pipeline.inspect_videos import InspectVideos
from pipeline.plan import Plan
from pipeline.prune import Prune
from pipeline.run_all import RunAll
from pipeline.shards import ExtractShard, FoldShard
from pipeline.snippets import RunSnippets
from pipeline.status import Status
from pipeline.sweep import RunSweep
from tasks.stages.baselines import PredictBaselines
from tasks.stages.checklist import TabulateChecklists, WriteChecklists
from tasks.stages.evaluation import EvaluateFold, PoolPredictions, ScorePredictions
from tasks.stages.features import ExtractFeatures
from tasks.stages.folds import AssignFolds
from tasks.stages.imported import ImportedFeatures
from tasks.stages.provenance import WriteProvenance
from tasks.stages.report import DrawPictures, WriteReport
from tasks.stages.shared_features import CompareFeatures
from tasks.stages.snippets import ClassifySnippets, DrawSnippets, PoolSnippets, TabulateSnippets, WriteSnippets
from tasks.stages.sweep import CompareCells, DrawSweep, TabulateSweep, WriteProtocols
from tasks.stages.training import TrainFold
from tasks.stages.videos import DecodeRecording, SimulateRecording

__all__ = [
    "AssignFolds",
    "CheckDrift",
    "ClassifySnippets",
    "CompareCells",
    "CompareFeatures",
    "DecodeRecording",
    "DrawPictures",
    "DrawSnippets",
    "DrawSweep",
    "EvaluateFold",
    "ExportFeatures",
    "ExtractFeatures",
    "ExtractShard",
    "FoldShard",
    "ImportFeatures",
    "ImportGestures",
    "ImportedFeatures",
    "InspectVideos",
    "Plan",
    "PoolPredictions",
    "PoolSnippets",
    "PredictBaselines",
    "Prune",
    "RunAll",
    "RunSnippets",
    "RunSweep",
    "ScorePredictions",
    "SimulateRecording",
    "Status",
    "TabulateChecklists",
    "TabulateSnippets",
    "TabulateSweep",
    "TrainFold",
    "ValidateFeatures",
    "WriteChecklists",
    "WriteProtocols",
    "WriteProvenance",
    "WriteReport",
    "WriteSnippets",
]

check_command_line(__name__, __all__)
