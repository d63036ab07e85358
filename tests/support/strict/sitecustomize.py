"""Deprecation warnings as errors in programs that tests start, as in the tests' own process."""

import warnings

# As filterwarnings of setup.cfg.
OURS = r"(hmhn_jax|data|avec_faces|configs|run|__main__)(\..*)?$"
for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
    warnings.filterwarnings("error", category=category, module=OURS)
