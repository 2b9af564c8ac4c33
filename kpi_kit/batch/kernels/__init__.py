"""Warm processes: kernels and workers that are forked from one that has imported what they need.

A server process imports what computes, then what a report needs besides, and forks: a *kernel*, which
:class:`~kpi_kit.batch.kernels.provisioner.ForkProvisioner` hands to papermill as it would any other; or a
*worker*, which calls one function and is gone. A worker that only computes does not wait for the rest. Each
is a process of its own that nobody has used before, so nothing leaks from one notebook into the next. The
life of each hangs on a pipe whose other end its client holds: when the client goes, however it goes, the
server ends the whole process group and removes its files; when the owner of the server goes, the server
ends with all that it forked.
"""
