"""Experiments: a file each; installed, they are `hmhn_jax.configs`."""
