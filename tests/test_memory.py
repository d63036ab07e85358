import contextlib
import gc

import pytest

from hmhn_jax import memory


@pytest.mark.parametrize("collects", [True, False])
def test_collection_is_afterwards_as_it_was(collects):
    (gc.enable if collects else gc.disable)()
    try:
        with contextlib.suppress(KeyError), memory.no_collection():
            assert not gc.isenabled()
            {}["a tracing that fails"]
        assert gc.isenabled() == collects
    finally:
        gc.enable()
