#!/usr/bin/env python3
"""Checks that each target in Package.swift depends only on targets of lower floors (`// Floor N` comments)."""

import re
import sys
from pathlib import Path

manifest = Path(__file__).parent.parent.joinpath("Package.swift").read_text()
plan = manifest[manifest.index("// Floor 0") : manifest.index("// Test-only")]
floor, floors, failures = -1, {}, []
for part in re.finditer(r"// Floor (\d+)|\.\w*[tT]arget\(\s*name: \"([\w-]+)\"((?:[^()]|\([^()]*\))*)\)", plan):
    if part[1]:
        floor = int(part[1])
        continue
    floors[part[2]] = floor
    dependencies = re.search(r"dependencies: \[([^\]]*)\]", part[3])
    for name in re.findall(r'"([\w-]+)"', dependencies[1] if dependencies else ""):
        if floors.get(name, floor) >= floor:
            failures.append(f"{part[2]} on floor {floor} depends on {name}, which is not on a lower one")
if failures or not floors:
    sys.exit("\n".join(failures) or "Package.swift names no floors")
