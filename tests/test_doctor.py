"""The doctor of the machine: each planted fault is found, with the command that mends it."""

import importlib
import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from aecourse import data, doctor
from aecourse.__main__ import main


def faults(check) -> dict[str, doctor.Finding]:
    return {each.about: each for each in check() if each.fault}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in [name for name in os.environ if name.startswith("AECOURSE_")]:
        monkeypatch.delenv(name)


def test_each_check_says_something_in_one_line_and_every_fault_comes_with_its_cure(capsys):
    found = doctor.findings()
    assert len(found) >= len(doctor.CHECKS) - 3
    for each in found:
        assert each.words and "\n" not in each.words
        assert each.command or not each.fault
    status = main(["doctor"])
    said = capsys.readouterr().out
    assert status == int(any(each.fault for each in found)) and found[0].words in said


def versions(monkeypatch, **changed):
    real = importlib.metadata.version

    def version(name):
        if changed.get(name, "") is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return changed.get(name) or real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert "3.10" in faults(doctor.python)["Python"].words


def test_a_package_that_is_missing_and_one_that_is_old(monkeypatch):
    versions(monkeypatch, tqdm=None, torch="2.1.0+cpu")
    found = faults(doctor.packages)
    assert found["tqdm"].words == "is not installed" and "tqdm>=" in found["tqdm"].command
    assert (
        "2.4 is the oldest" in found["torch"].words
        and 'install "torch>=2.4"' in found["torch"].command
    )


def test_torch_that_does_not_load(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "do not load" in faults(doctor.imports)["torch, torchvision"].words
    found = doctor.findings()  # and the other checks go on
    assert [each for each in found if each.about == "browser"]
    assert all(each.command for each in found if each.fault)


def test_it_speaks_where_torch_is_missing():
    code = "import sys; sys.modules['torch'] = None; from aecourse.__main__ import main; main(['doctor'])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0 and "✗ torch, torchvision" in run.stdout, run.stderr


def test_the_package_imports_nothing_heavy():
    code = "import sys, aecourse; print([name for name in ('torch', 'sklearn', 'matplotlib') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr


def test_a_card_that_torch_cannot_use(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(doctor, "has_card", lambda: True)
    found = next(each for each in doctor.device() if each.about == "device")
    assert "NVIDIA" in found.words and "CUDA build" in found.command


@pytest.mark.parametrize("threads", ["64", "0", "many"])
def test_threads_that_make_training_slow(monkeypatch, threads):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert faults(doctor.device)["OMP_NUM_THREADS"].command == "unset OMP_NUM_THREADS"


def test_a_data_set_that_is_none(monkeypatch):
    monkeypatch.setenv("AECOURSE_DATASET", "cifar")
    assert "accepted is one of digits" in faults(doctor.settings)["AECOURSE_DATASET"].words
    monkeypatch.setenv("AECOURSE_DATASET", "mnist")
    assert not faults(doctor.settings)
    assert set(doctor.DATASETS) == set(data._LOADERS)


def test_claims_that_stop_a_notebook(monkeypatch):
    monkeypatch.setenv("AECOURSE_STRICT", "1")
    assert [each.command for each in doctor.settings()] == ["unset AECOURSE_STRICT"]


def test_a_folder_that_is_a_file_and_one_without_room(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "file"))
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path / "new" / "data"))
    assert list(faults(doctor.folders)) == ["model cache"]
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert "too little" in faults(doctor.folders)["data"].words
    assert not (tmp_path / "new").exists()


def test_a_cache_that_is_off_is_said_and_no_fault(monkeypatch):
    monkeypatch.setenv("AECOURSE_CACHE", "off")
    assert "model cache" not in faults(doctor.folders)
    assert any("off" in each.words for each in doctor.folders())


def test_little_memory(monkeypatch):
    if not Path("/proc/meminfo").is_file():
        pytest.skip("no /proc/meminfo")
    monkeypatch.setattr(Path, "read_text", lambda self: "MemAvailable:    1000000 kB")
    assert "memory" in faults(doctor.memory)


def test_a_kernel_of_another_python(monkeypatch, tmp_path):
    kernelspec = pytest.importorskip("jupyter_client.kernelspec")
    other = tmp_path / "python"
    other.write_text("")

    class Spec:
        argv = [str(other)]

    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", lambda *a: Spec)
    assert str(other) in faults(doctor.kernel)["notebooks"].words
    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", missing(kernelspec))
    assert "no kernel" in faults(doctor.kernel)["notebooks"].words


def missing(kernelspec):
    def get(self, name):
        raise kernelspec.NoSuchKernel(name)

    return get


def test_a_jupyter_book_that_is_too_new_or_absent(monkeypatch):
    versions(monkeypatch, **{"jupyter-book": "2.0.1"})
    assert '"jupyter-book<2"' in faults(doctor.book)["the book"].command
    versions(monkeypatch, **{"jupyter-book": None})
    assert not faults(doctor.book) and next(iter(doctor.book())).command


def test_no_network_is_no_fault(monkeypatch):
    def refused(*arguments, **options):
        raise OSError("no route")

    monkeypatch.setattr(socket, "create_connection", refused)
    (found,) = doctor.network()
    assert not found.fault and "need no network" in found.words


def test_what_is_needed_is_read_from_the_package():
    names = {each.split(">=")[0] for each in doctor.requirements()}
    assert {"torch", "torchvision", "numpy", "matplotlib"} <= names
    assert doctor.numbers("2.13.0+cpu") == (2, 13, 0) and doctor.numbers("2.13") < (2, 13, 0)


def test_a_check_that_fails_is_a_finding(monkeypatch):
    def broken():
        raise KeyError("x")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (broken,))
    (found,) = doctor.findings()
    assert found.fault and "could not be looked at" in found.words
