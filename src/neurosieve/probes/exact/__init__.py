"""The exact solver, in the order in which to read it.

`passes` (products with the activations) and `likelihood` (cross-entropy with the best intercept) are what it computes with;
`objective` and `certificate` say what a point is worth and prove it; `sample`, `model` and `blocks` build what stands in
for the objective near a point; `step` minimises that, with what all labels share set apart in `level`; `newton` goes from
point to point; `room` says how much memory all this takes.

Real values need none of that: `values` takes their moments in one pass (`value_moments`) and solves from these, many at once
(`nets`) or one by one (`net`).
"""
