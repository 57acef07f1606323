# SPDX-License-Identifier: BSD-3-Clause
"""
Endpoint of dpdk-telemetry-exporter.py (DPDK 23.11 and later): counters of siov devices.

A name of info() becomes dpdk_siov_NAME. Each queue shows its first LISTED_MAX PASIDs, each device its first
LISTED_MAX ADIs and VDEVs: a device can have 65,536 of them, which are too many time series.
"""

LISTED_MAX = 256

SUBMISSIONS = {
    "accepted_ops": "Submissions answered Success",
    "retry_capacity_ops": "Submissions answered Retry: the queue was full",
    "retry_qos_ops": "Submissions answered Retry: limits of the PASID",
    "retry_draining_ops": "Submissions answered Retry: the queue drains",
    "retry_disabled_ops": "Submissions answered Retry: the queue is disabled",
    "retry_mode_ops": "Submissions answered Retry: the queue is dedicated",
}
OUTCOMES = {
    "completed_ops": "Operations completed with success",
    "failed_ops": "Operations completed with any other status",
    "aborted_ops": "Operations ended by an abort or a reset",
    "bytes": "Bytes moved, compared or summed",
}
ACCEPTED = {"accepted_ops": "Submissions accepted"}
PASID = {**SUBMISSIONS, **OUTCOMES}
ADI = {**ACCEPTED, **OUTCOMES, "errors": "Errors that no completion record could tell"}
VDEV = {
    **ACCEPTED,
    **OUTCOMES,
    "cfg_reads": "Intercepted reads of configuration space",
    "cfg_writes": "Intercepted writes of configuration space",
    "mmio_reads": "Intercepted reads of BARs",
    "mmio_writes": "Intercepted writes of BARs",
    "refused": "Accesses that are not allowed",
    "commands": "Administrative commands",
    "requests": "Requests of the channel",
    "request_errors": "Requests of the channel answered with an error",
    "page_requests": "Pages that the guest was asked for",
    "interrupts": "Interrupts made by the VDCM",
    "resets": "Resets",
}
WQ_GAUGES = {
    "size": "Entries",
    "threshold": "Entries that limited portals see",
    "lanes": "Submitting threads attached",
    "free_credits": "Entries free now",
}
IOMMU = {
    "atc_lookup_ops": "Translations asked for",
    "atc_miss_ops": "Translations that had to walk tables",
    "invalidation_ops": "Invalidation requests",
    "invalidation_timeouts": "Invalidations without answer in time",
    "page_request_ops": "Page requests",
    "page_answer_ops": "Answers to page requests",
    "page_request_timeouts": "Operations that ended for want of an answer",
    "fault_ops": "Faults recorded",
    "faults_lost": "Faults that found no room",
}
IOMMU_GAUGES = {
    "domains": "Address spaces",
    "pasids_allocated": "PASIDs allocated",
    "pasids_bound": "PASIDs with an address space",
    "table_pages": "Pages of tables, 4 KiB each",
    "memory_bytes": "Memory of the IOMMU",
}

KINDS = (
    ("wq", PASID, "counter"),
    ("wq", WQ_GAUGES, "gauge"),
    ("pasid", PASID, "counter"),
    ("adi", ADI, "counter"),
    ("vdev", VDEV, "counter"),
    ("iommu", IOMMU, "counter"),
    ("iommu", IOMMU_GAUGES, "gauge"),
)


def info():
    """Metric names, each with its description and type."""
    return {
        f"{noun}_{name}": (text, kind)
        for noun, names, kind in KINDS
        for name, text in names.items()
    }


def metrics(sock):
    """Values of all devices of the process, as (name, value, labels)."""
    found = []
    for device in sock.cmd("/siov/list") or []:
        found += of_queues(sock, device)
        found += of_listed(sock, "adi", device, ADI)
        found += of_listed(sock, "vdev", device, VDEV)
        labels = {"device": device}
        found += rows("iommu", {**IOMMU, **IOMMU_GAUGES}, sock.cmd("/siov/iommu/stats", device), labels)
    return found


def rows(noun, names, values, labels):
    # Anything may have gone since it was listed; then there is no answer.
    return [(f"{noun}_{name}", values[name], labels) for name in names if values and name in values]


def of_queues(sock, device):
    found = []
    for wq in sock.cmd("/siov/wq/list", device) or []:
        where = f"{device},{wq}"
        about = sock.cmd("/siov/wq/info", where) or {}
        labels = {"device": device, "wq": wq, "mode": about.get("mode", "unknown")}
        found += rows("wq", WQ_GAUGES, about, labels)
        # Names of a queue's counters begin with the queue's own, as in swq_q0_accepted_ops.
        stats = sock.cmd("/siov/wq/stats", where) or {}
        stats = {name.split("_", 2)[2]: value for name, value in stats.items()}
        found += rows("wq", PASID, stats, labels)
        for pasid, stats in pasids_of(sock, where):
            found += rows("pasid", PASID, stats, {"device": device, "wq": wq, "pasid": pasid})
    return found


def pasids_of(sock, where):
    nb, page = 0, sock.cmd("/siov/pasid/stats", where)
    while page and nb < LISTED_MAX:
        following = page.pop("next", None)
        for name, stats in page.items():
            yield name.removeprefix("pasid_"), stats
        nb += len(page)
        page = sock.cmd("/siov/pasid/stats", f"{where},{following}") if following else None


def of_listed(sock, noun, device, names):
    found = []
    # One answer lists as many as are shown; only that of ADIs says whether there are more.
    listed = sock.cmd(f"/siov/{noun}/list", device) or []
    if isinstance(listed, dict):
        listed = listed[noun + "s"]
    for number in listed[:LISTED_MAX]:
        where = f"{device},{number}"
        about = sock.cmd(f"/siov/{noun}/info", where) or {}
        labels = {"device": device, noun: number, "type": about.get("type", "unknown")}
        found += rows(noun, names, sock.cmd(f"/siov/{noun}/stats", where), labels)
    return found
