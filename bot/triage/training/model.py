"""The network: one encoder, small heads on its mean vector. Imported only where torch is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bot.triage.reader.days import DAY_BUCKETS

if TYPE_CHECKING:
    from transformers import BertModel

HIDDEN = 192


class Heads(nn.Module):
    """Mean vector and day -> tier, flag and probe."""

    def __init__(self, width: int, flags: int) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.1)
        self.hidden = nn.Linear(width + DAY_BUCKETS, HIDDEN)
        self.tier = nn.Linear(HIDDEN, 5)
        self.flag = nn.Linear(HIDDEN, flags)
        self.probe = nn.Linear(HIDDEN, 1)

    def heads(self, vector: Tensor, days: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of tier (batch, 5), flag (batch, flags) and probe (batch,)."""
        hidden = self.drop(torch.nn.functional.gelu(self.hidden(torch.cat([self.drop(vector), days], dim=1))))
        return self.tier(hidden), self.flag(hidden), self.probe(hidden).squeeze(-1)


class ReaderNet(Heads):
    """Message -> mean vector -> heads, and from the vector alone the topic."""

    def __init__(self, encoder: BertModel, flags: int, topics: int) -> None:
        width = encoder.config.hidden_size
        super().__init__(width, flags)
        self.encoder = encoder
        self.topic = nn.Linear(width, topics)

    def states(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Token vectors after the word table and after each layer, each of shape (batch, tokens, width)."""
        return tuple(
            self.encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        )

    @staticmethod
    def mean(states: Tensor, mask: Tensor) -> Tensor:
        """Mean of the token vectors, shape (batch, width)."""
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1)

    def embed(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Mean vector of each message, shape (batch, width)."""
        return self.mean(self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask)
