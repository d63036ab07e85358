import itertools
import operator
import os
import subprocess
import sys
import time

import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.base.process_pool import map_in_order


@pytest.mark.parametrize("num_processes", [1, 2])
def test_results_come_in_the_order_of_the_items(num_processes):
    assert list(map_in_order(operator.neg, range(30), num_processes)) == list(range(0, -30, -1))


def test_takes_only_a_few_items_ahead():
    taken = []

    def items():
        for number in itertools.count():
            taken.append(number)
            yield number

    results = map_in_order(operator.neg, items(), 2)
    assert list(itertools.islice(results, 5)) == [0, -1, -2, -3, -4]
    assert len(taken) < 20
    results.close()


def test_a_slow_item_holds_up_nothing_but_the_order():
    start = time.monotonic()
    assert list(map_in_order(time.sleep, [1.0] + [0.01] * 5, 2)) == [None] * 6
    assert time.monotonic() - start < 30


def test_a_dying_process_ends_in_an_error_not_in_waiting():
    with pytest.raises(UserError, match="a worker process was ended from outside"):
        list(map_in_order(os._exit, [1, 1, 1], 2))


@pytest.mark.parametrize("num_processes", [1, 2])
def test_passes_on_what_the_function_raises(num_processes):
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(divmod_of_one_by, [0], num_processes))


divmod_of_one_by = (1).__divmod__


def test_does_not_run_the_program_again_in_each_process(tmp_path):
    # Importing `run.py` or `tfds` afresh would cost each process seconds and a lot of memory.
    program = tmp_path / "program.py"
    program.write_text(
        "import operator\n"
        "from hmhn_jax.base.process_pool import map_in_order\n"
        "print('started')\n"
        "print(list(map_in_order(operator.neg, [1, 2, 3], 2)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    finished = subprocess.run(
        [sys.executable, program], env=environment, capture_output=True, text=True, check=True
    )
    assert finished.stdout == "started\n[-1, -2, -3]\n"
