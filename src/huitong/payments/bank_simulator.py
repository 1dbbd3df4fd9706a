"""`python -m huitong.payments.bank_simulator --port 8600`: the simulated bank as a process."""

import argparse

import uvicorn

from huitong.payments.simulated_bank import RESULT_SECONDS, BankSimulator


def main() -> None:
    """Run the simulated bank as a process of its own."""
    parser = argparse.ArgumentParser(description="A simulated bank for Huitong's channel.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8600)
    parser.add_argument("--listen-fd", type=int, help="an open socket to listen on instead")
    parser.add_argument(
        "--result-seconds", type=float, default=RESULT_SECONDS, help="how long the bank thinks"
    )
    arguments = parser.parse_args()
    bank = BankSimulator(result_seconds=arguments.result_seconds)
    uvicorn.run(
        bank.application(),
        host=arguments.host,
        port=arguments.port,
        fd=arguments.listen_fd,
        log_level="warning",
        lifespan="off",
    )


if __name__ == "__main__":
    main()
