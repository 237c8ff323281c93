"""`python -m orchestrd.schemas`: write every schema of the package again."""

from pathlib import Path

from orchestrd.schemas import generated, names


def main() -> None:
    """Write the files beside this one."""
    for name in names():
        Path(__file__).with_name(f"{name}.json").write_bytes(generated(name))


if __name__ == "__main__":
    main()
