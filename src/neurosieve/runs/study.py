"""`run_study`: a whole study, its tables and its page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from neurosieve.bars import Reporter, shown_by_stage
from neurosieve.runs.cluster import check_address, ray_engine
from neurosieve.runs.page import page_of, report_on
from neurosieve.study.failures import IncompleteStudyError
from neurosieve.study.findings import Findings
from neurosieve.study.folder import RunFolder
from neurosieve.study.inputs import refuse_changed_inputs
from neurosieve.study.results import written_cells
from neurosieve.study.run import run_cells
from neurosieve.study.settings import StudySettings
from neurosieve.study.sources import named_stores


def run_study(
    settings: StudySettings, out: str | Path, *, report: Reporter | None = None, address: str | None = None
) -> list[Findings]:
    """Run a study, write its tables and its page; resume what is done and add what is new.

    Finished stages are taken from disk; the same study in the same folder therefore continues where it stopped, repeats
    nothing when it is complete, and grows where models, corpora, properties, seeds, deltas or rankings are added.

    Parameters
    ----------
    settings : StudySettings
    out : str or Path
        The run's folder (see `neurosieve.study.folder`).
    report : Reporter, optional
        Where the stages report their progress: given a title, it returns a function of ``(done, total)``, or None. By
        default a bar where a person is looking (see `neurosieve.progress`).
    address : str, optional
        Have the work done by Ray's workers, each with what ``settings.cluster`` says: ``"local"`` on this machine, ``"auto"``
        on the cluster that it belongs to, or the HOST:PORT of a cluster's head. The results are the same.

    Returns
    -------
    list of Findings
        One for each model, property and ranking, in the study's order; also of those that earlier studies in the folder named.

    Raises
    ------
    IncompleteStudyError
        If some of several cells failed; its ``failures`` say which and why, its ``found`` holds the others, which are written.
    NeurosieveError
        If the folder holds something else, or the study's only corpus, model or property cannot be used.
    """
    folder = RunFolder(out)
    engine = None if address is None else partial(ray_engine, address=address, tasks=settings.cluster)
    if address is not None:
        check_address(address)
    with shown_by_stage(report, "study") as to:
        try:
            found = run_cells(settings, out, report=to, engine=engine)
        except IncompleteStudyError as error:
            if error.found and page_of(folder) is None:
                report_on(folder, error.found)
            raise
        if page_of(folder) is None:
            to("writing the page")
            report_on(folder, found)
    return found


def finished_cells(settings: StudySettings, out: str | Path) -> list[dict[str, Any]] | None:
    """What a run's manifest says of each cell, where the study is finished in `out` and nothing has changed since.

    Reads no activations and fits nothing, so that a finished study answers at once; `run_study` does the rest.

    Returns
    -------
    list of dict, or None
        ``model``, ``corpus``, ``property``, ``ranking``, ``l1``, ``l2``, ``folder``, ``in_short``; None if there is work to do.
    """
    folder = RunFolder(out)
    manifest = folder.manifest()
    if not manifest.get("finished") or page_of(folder) is None:
        return None
    if folder.grown(named_stores(settings).model_dump(mode="json")) != manifest.get("settings"):
        return None
    refuse_changed_inputs(folder, StudySettings.model_validate(manifest["settings"]), manifest)
    return written_cells(folder)
