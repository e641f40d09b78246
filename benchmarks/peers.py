"""The authors' way to train, in our own words: a Dataset that samples item by item, a DataLoader, torch's LSTM.

After fepegar/gestures-miccai-2021, as it runs on two cores. The seizures' table is asked by a query for the label of
every item, as they do; `is_looked_up_once` leaves that out, to see what the rest costs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from seizures.classification.sequences import SequenceBank


class AuthorsDataset(Dataset):  # type: ignore[type-arg]
    """One item: one view; every segment's snippet drawn by itself, the label looked up in the table by a query."""

    def __init__(self, bank: SequenceBank, num_segments: int, gamma: float, is_looked_up_once: bool) -> None:
        self.num_segments, self.gamma, self.length = num_segments, gamma, bank.frames_per_snippet
        self.labels = [bool(label) for label in bank.labels] if is_looked_up_once else None
        self.names = list(zip(bank.patient_ids, bank.seizure_ids, strict=True))
        rows = zip(bank.first_row, bank.num_rows, strict=True)
        values = bank.values  # noqa: PD011  # a tensor, not a table
        self.features = [values[first : first + num] for first, num in rows]
        clonic = [1.0 if label else np.nan for label in bank.labels]
        self.table = pd.DataFrame(
            {"Subject": bank.patient_ids, "Seizure": bank.seizure_ids, "RatioGTCS": clonic, "Duration": 60.0}
        ).drop_duplicates(["Subject", "Seizure"])

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, bool]:
        features = self.features[index]
        rows = []
        for segment in np.array_split(np.arange(len(features) + self.length - 1), self.num_segments):
            first, last = int(segment[0]), int(segment[-1]) - self.length + 1
            position = torch.distributions.beta.Beta(self.gamma, self.gamma).sample()
            rows.append(int((position * (last - first) + first).round().long()))
        sequence = torch.stack([features[row] for row in rows])
        if self.labels is not None:
            return sequence, self.labels[index]
        subject, seizure = self.names[index]
        found = self.table.query(f'Subject == "{subject}" & Seizure == "{seizure}"')
        return sequence, not pd.isna(found.RatioGTCS.to_numpy()[0])


class AuthorsClassifier(nn.Module):
    """torch's BLSTM, the last hidden states of both directions, one linear layer."""

    def __init__(self, feature_dim: int, hidden_units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(feature_dim, hidden_units, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden_units, 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        _, (hidden, _) = self.lstm(features)
        logits: torch.Tensor = self.fc(hidden.transpose(0, 1).flatten(1))
        return logits


def train_as_the_authors(
    bank: SequenceBank, num_epochs: int, *, num_segments: int = 16, gamma: float = 4.0, is_looked_up_once: bool = False
) -> None:
    """Train one fold; their workers are a quarter of the cores, none on two. Their validation is left out."""
    loader = DataLoader(AuthorsDataset(bank, num_segments, gamma, is_looked_up_once), batch_size=64, shuffle=True)
    network = AuthorsClassifier(bank.feature_dim, 64)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    weight = torch.tensor([1 / bank.labels.mean()], dtype=torch.float32)
    for _ in range(num_epochs):
        for features, labels in loader:
            wanted = F.one_hot(labels.long(), num_classes=2).float()
            loss = F.binary_cross_entropy_with_logits(network(features), wanted, pos_weight=weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
