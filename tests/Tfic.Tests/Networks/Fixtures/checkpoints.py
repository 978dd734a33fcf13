"""Writes the checkpoints beside it with PyTorch itself (made with 1.13; any later version serves)."""

import pathlib

import torch

folder = pathlib.Path(__file__).parent
torch.manual_seed(1)
grid = torch.arange(12.0).view(3, 4)
network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
network.load_state_dict({k: torch.full_like(v, i + 1) for i, (k, v) in enumerate(network.state_dict().items())})
optimiser = torch.optim.Adam(network.parameters(), lr=0.001)
network(torch.ones(1, 1, 5, 5)).sum().backward()
optimiser.step()
checkpoint = {
    "epoch": 3,
    "state_dict": network.state_dict(),
    "optimizer": optimiser.state_dict(),
    "kinds": {
        "transposed": grid.t(),
        "row": grid[1],
        "column": grid[:, 2],
        "half": grid.half(),
        "brain": grid.bfloat16(),
        "bool": grid > 3,
        "i8": -grid.to(torch.int8),
        "u8": grid.to(torch.uint8),
        "i16": -grid.short(),
        "i32": -grid.int(),
        "i64": -grid.long(),
        "f64": grid.double(),
        "expanded": torch.ones(1).expand(5),
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(2.5),
        "parameter": torch.nn.Parameter(grid),
        "list": [1, -2.5, None, True, (1 << 40, "é", grid[2])],
    },
}
torch.save(checkpoint, folder / "archive.pth")
torch.save(checkpoint, folder / "archive-protocol4.pth", pickle_protocol=4)
torch.save(checkpoint, folder / "stream.pth", _use_new_zipfile_serialization=False)
