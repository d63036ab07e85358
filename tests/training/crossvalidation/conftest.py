"""The prepared dataset with planted identity."""

import coded_faces
import pytest


@pytest.fixture(scope="session")
def coded(tmp_path_factory):
    """Returns coded(name, **settings), which prepares a dataset of `coded_faces`."""

    def build(name, **settings):
        config = coded_faces.CodedConfig(name=name, **settings)
        built = coded_faces.CodedFaces(config=config, data_dir=tmp_path_factory.mktemp(name))
        built.download_and_prepare()
        return built

    return build


@pytest.fixture(scope="session")
def people(coded):
    return coded("people")
