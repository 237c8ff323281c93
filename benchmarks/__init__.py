"""What orchestrd costs, measured beside the bare operation under it, in one run: `python -m benchmarks`.

A figure alone says more about the machine than about the program. So each row is measured in turns with its peer, and
what holds from one machine to the next is the ratio. A target that is missed is printed as missed.
"""
