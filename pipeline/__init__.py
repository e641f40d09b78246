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
    PackFeatures        the features of all seizures in one file                   .h5
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
    CalibrateProbabilities  may the probability be believed, when to abstain      .json
    UnfoldFold  ->  PoolUnfolding  ->  ScoreUnfolding: how early is it right?     .csv, .json
      |
    DrawPictures        all figures, with their data                               .zip
    WriteProvenance     versions, settings, cohort, training, what was left out    .json
    TabulateChecklists  ->  WriteChecklists: what the run answers of TRIPOD+AI ... .csv, .html
      |
    WriteReport         one page                                                   .html
      |
    RunAll              all of it, and results/current

A classifier to hand over, trained on everybody (ExportClassifier)::

    TrainOnAll          one seed: a classifier of all patients                     .pt
    CollectCases        the snippets that a verdict takes, of each seizure         .h5
    ProbeFamiliarity    the same of films of other kinds, made of a few            .h5
      |
    WriteClassifier     weights, card, scores, calibration, what is familiar       .zip

New seizures, without labels (Predict) or with (TestClassifier)::

    DecodeRecording
      |
    ExtractMiddles      only the snippets that a verdict takes                     .h5
      |                 (or ExtractFeatures, where all features are there)
    AnswerSeizure       the verdict, what moved it, is the film familiar           .json
    FollowSeizure       the answer second by second, from all features             .json
      |
    WriteSeizurePage  ->  PoolAnswers: a page each, and one table                  .zip, .csv
    ScoreExternally  ->  WriteExternalPage: scores on another cohort               .json, .html

Separately, before anything is computed::

    SurveyFile          one video, fully decoded: what it is, what is wrong        .json
    DrawContactSheet    one view of one seizure, with its crop and mask            .png
      |
    InspectVideos       a table and a page with a verdict on every video           .csv, .html

Three tasks ask questions and write no results: `Plan` (what would RunAll or Predict do, and why?), `Status` (is
everything complete?) and `Prune` (what is no longer used?). `ExtractShard`, `FoldShard` and `PredictShard` split the
work over several machines (docs/cluster.md). `RunSweep` trains and scores many settings, and networks, on the same
folds: TabulateSweep, CompareCells, DrawSweep, DrawNetworks, WriteProtocols. `RunSnippets` compares networks on single
snippets, before and after the clonic onset: ClassifySnippets (one network and fold), PoolSnippets, TabulateSnippets,
DrawSnippets, WriteSnippets.

`ExportFeatures`, `ImportFeatures`, `ValidateFeatures` and `CheckDrift` exchange features with other laboratories;
`ImportGestures` imports the paper's public features, and `PackClassifier` packs its authors' classifiers.
`FetchWeights` downloads public weights for machines without internet.
"""

from pipeline.exchange import CheckDrift, ExportFeatures, ImportFeatures, ValidateFeatures
from pipeline.export_classifier import ExportClassifier
from pipeline.external_scores import TestClassifier
from pipeline.fetch_weights import FetchWeights
from pipeline.front_door import check_command_line
from pipeline.gestures import ImportGestures
from pipeline.inspect_videos import InspectVideos
from pipeline.pack_classifier import PackClassifier
from pipeline.plan import Plan
from pipeline.predict import Predict
from pipeline.prune import Prune
from pipeline.run_all import RunAll
from pipeline.shards import ExtractShard, FoldShard, PredictShard
from pipeline.snippets import RunSnippets
from pipeline.status import Status
from pipeline.sweep import RunSweep
from tasks.stages.answer_pages import PoolAnswers, WriteSeizurePage
from tasks.stages.answers import AnswerSeizure, FollowSeizure
from tasks.stages.baselines import PredictBaselines
from tasks.stages.calibration import CalibrateProbabilities
from tasks.stages.cases import CollectCases, ProbeFamiliarity
from tasks.stages.checklist import TabulateChecklists, WriteChecklists
from tasks.stages.classifier import WriteClassifier
from tasks.stages.evaluation import EvaluateFold, PoolPredictions, ScorePredictions
from tasks.stages.external import ScoreExternally, WriteExternalPage
from tasks.stages.features import ExtractFeatures
from tasks.stages.folds import AssignFolds
from tasks.stages.imported import ImportedFeatures
from tasks.stages.middles import ExtractMiddles
from tasks.stages.packed import PackFeatures
from tasks.stages.provenance import WriteProvenance
from tasks.stages.report import DrawPictures, WriteReport
from tasks.stages.shared_features import CompareFeatures
from tasks.stages.snippets import ClassifySnippets, DrawSnippets, PoolSnippets, TabulateSnippets, WriteSnippets
from tasks.stages.sweep import CompareCells, DrawNetworks, DrawSweep, TabulateSweep, WriteProtocols
from tasks.stages.training import TrainFold, TrainOnAll
from tasks.stages.unfolding import PoolUnfolding, ScoreUnfolding, UnfoldFold
from tasks.stages.videos import DecodeRecording, SimulateRecording

__all__ = [
    "AnswerSeizure",
    "AssignFolds",
    "CalibrateProbabilities",
    "CheckDrift",
    "ClassifySnippets",
    "CollectCases",
    "CompareCells",
    "CompareFeatures",
    "DecodeRecording",
    "DrawNetworks",
    "DrawPictures",
    "DrawSnippets",
    "DrawSweep",
    "EvaluateFold",
    "ExportClassifier",
    "ExportFeatures",
    "ExtractFeatures",
    "ExtractMiddles",
    "ExtractShard",
    "FetchWeights",
    "FoldShard",
    "FollowSeizure",
    "ImportFeatures",
    "ImportGestures",
    "ImportedFeatures",
    "InspectVideos",
    "PackClassifier",
    "PackFeatures",
    "Plan",
    "PoolAnswers",
    "PoolPredictions",
    "PoolSnippets",
    "PoolUnfolding",
    "Predict",
    "PredictBaselines",
    "PredictShard",
    "ProbeFamiliarity",
    "Prune",
    "RunAll",
    "RunSnippets",
    "RunSweep",
    "ScoreExternally",
    "ScorePredictions",
    "ScoreUnfolding",
    "SimulateRecording",
    "Status",
    "TabulateChecklists",
    "TabulateSnippets",
    "TabulateSweep",
    "TestClassifier",
    "TrainFold",
    "TrainOnAll",
    "UnfoldFold",
    "ValidateFeatures",
    "WriteChecklists",
    "WriteClassifier",
    "WriteExternalPage",
    "WriteProtocols",
    "WriteProvenance",
    "WriteReport",
    "WriteSeizurePage",
    "WriteSnippets",
]

check_command_line(__name__, __all__)
