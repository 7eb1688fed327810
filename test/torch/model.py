"""The two families of trainer/model.h in PyTorch, with the parameters of a checkpoint by name."""
import math

import torch
import torch.nn.functional as F


def mlp_loss(p, inputs, labels):
    layers = len(p) // 2
    for i in range(layers):
        inputs = F.linear(inputs, p[f"layers.{i}.weight"], p[f"layers.{i}.bias"])
        if i < layers - 1:
            inputs = F.relu(inputs)
    return F.cross_entropy(inputs, labels)


def linear(x, p, name):
    """GPT-2's Conv1D: a weight is [inputs][outputs]."""
    return torch.addmm(p[name + ".bias"], x, p[name + ".weight"])


def norm(x, p, name):
    return F.layer_norm(x, x.shape[-1:], p[name + ".weight"], p[name + ".bias"], 1e-5)


def attention(mixed, sequences, heads, hidden):
    """Rows of queries, keys and values; `hidden` is true where a token may not look."""
    tokens, width = mixed.shape[0] // sequences, mixed.shape[1] // 3
    q, k, v = mixed.view(sequences, tokens, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    weights = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(width // heads))
    weights = F.softmax(weights.masked_fill(hidden, -math.inf), -1)
    return (weights @ v).transpose(1, 2).reshape(sequences * tokens, width)


def gpt_loss(p, heads, tokens, labels):
    """tokens and labels [sequences][context]; the mean loss."""
    sequences, context = tokens.shape
    hidden = torch.ones(context, context, dtype=torch.bool).triu(1)
    x = (p["wte.weight"][tokens] + p["wpe.weight"]).view(sequences * context, -1)
    for i in range(sum(name.endswith("ln_1.bias") for name in p)):
        h = f"h.{i}."
        mixed = linear(norm(x, p, h + "ln_1"), p, h + "attn.c_attn")
        x = x + linear(attention(mixed, sequences, heads, hidden), p, h + "attn.c_proj")
        wide = F.gelu(linear(norm(x, p, h + "ln_2"), p, h + "mlp.c_fc"), approximate="tanh")
        x = x + linear(wide, p, h + "mlp.c_proj")
    return F.cross_entropy(F.linear(norm(x, p, "ln_f"), p["wte.weight"]), labels.reshape(-1))


def adamw(p, rate, betas, epsilon, decay):
    """Vectors don't decay."""
    return torch.optim.AdamW([{"params": [t for t in p.values() if t.dim() > 1], "weight_decay": decay},
                              {"params": [t for t in p.values() if t.dim() == 1], "weight_decay": 0.0}],
                             lr=rate, betas=betas, eps=epsilon, foreach=True)
