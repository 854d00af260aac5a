# SPDX-License-Identifier: Apache-2.0
"""Stands for kubelet: its pod-resources service behind a real gRPC server. usage: fake_kubelet.py SOCKET POD NAMESPACE CONTAINER DEVICE..."""
import sys
import time
from concurrent import futures

import grpc


def field(number, data):
    if isinstance(data, str):
        data = data.encode()
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


def answer(pod, namespace, container, devices):
    held = field(1, "nvidia.com/gpu") + b"".join(field(2, device) for device in devices)
    return field(1, field(1, pod) + field(2, namespace) + field(3, field(1, container) + field(2, held)))


def main():
    socket, pod, namespace, container, *devices = sys.argv[1:]
    method = grpc.unary_unary_rpc_method_handler(lambda request, context: answer(pod, namespace, container, devices))
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("v1.PodResourcesLister", {"List": method}),))
    server.add_insecure_port("unix:" + socket)
    server.start()
    while True:
        time.sleep(3600)


main()
