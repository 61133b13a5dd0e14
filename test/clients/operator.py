# A small operator as people write them with the official Python client: for each Greeting a ConfigMap, and a status that says so. It works once
# it leads, and ends when it has seen the last Greeting go. Then it does what people do with a pod. Each line it prints is an observation.
import sys
import threading

from kubernetes import client, config, utils, watch
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
from kubernetes.stream import portforward, stream

GROUP, VERSION, PLURAL = "python.clients.example.com", "v1", "greetings"
namespace = sys.argv[1]
config.load_kube_config()
core = client.CoreV1Api()
custom = client.CustomObjectsApi()


def say(line):
    print(line, flush=True)


def define_greetings():
    text = {"type": "string"}
    properties = {
        "spec": {"type": "object", "properties": {"words": text}, "required": ["words"]},
        "status": {"type": "object", "properties": {"said": text}},
    }
    served = {
        "name": VERSION, "served": True, "storage": True, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
    }
    name = f"{PLURAL}.{GROUP}"
    utils.create_from_dict(client.ApiClient(), {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": {"plural": PLURAL, "kind": "Greeting"}, "versions": [served]},
    })
    for event in watch.Watch().stream(client.ApiextensionsV1Api().list_custom_resource_definition, field_selector=f"metadata.name={name}"):
        conditions = event["object"].status.conditions or []
        if any(each.type == "Established" and each.status == "True" for each in conditions):
            break
    say("established")


def reconcile(greeting):
    metadata, words = greeting["metadata"], greeting["spec"]["words"]
    owner = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Greeting", "name": metadata["name"], "uid": metadata["uid"]}
    body = {"metadata": {"name": metadata["name"], "ownerReferences": [owner]}, "data": {"words": words}}
    try:
        core.create_namespaced_config_map(namespace, body)
    except client.ApiException as problem:
        if problem.status != 409:
            raise
        core.patch_namespaced_config_map(metadata["name"], namespace, body)
    if greeting.get("status", {}).get("said") == words:
        return
    custom.patch_namespaced_custom_object_status(GROUP, VERSION, namespace, PLURAL, metadata["name"], {"status": {"said": words}})
    say(f"{metadata['name']} says {words}")


def operate():
    say("leading")
    watching = watch.Watch()
    for event in watching.stream(custom.list_namespaced_custom_object, GROUP, VERSION, namespace, PLURAL):
        if event["type"] == "DELETED":
            say(f"deleted {event['object']['metadata']['name']}")
            break
        reconcile(event["object"])
    use_pod()
    say("end")
    finished.set()


def use_pod():
    page = "echo from the pod >/tmp/index.html; echo started; exec httpd -f -p 8080 -h /tmp"
    probe = client.V1Probe(tcp_socket=client.V1TCPSocketAction(port=8080))
    container = client.V1Container(name="main", image="busybox:1.36", command=["sh", "-c", page], readiness_probe=probe)
    core.create_namespaced_pod(namespace, client.V1Pod(
        metadata=client.V1ObjectMeta(name="web"), spec=client.V1PodSpec(containers=[container]),
    ))
    for event in watch.Watch().stream(core.list_namespaced_pod, namespace, field_selector="metadata.name=web"):
        if any(each.type == "Ready" and each.status == "True" for each in event["object"].status.conditions or []):
            break
    say(f"log: {core.read_namespaced_pod_log('web', namespace).strip()}")
    session = stream(
        core.connect_get_namespaced_pod_exec, "web", namespace, command=["sh", "-c", "read line; echo heard $line; exit 3"],
        stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False,
    )
    session.write_stdin("a word\n")
    session.run_forever(timeout=20)
    say(f"exec: {session.read_stdout().strip()}; {session.returncode}")
    forward = portforward(core.connect_get_namespaced_pod_portforward, "web", namespace, ports="8080")
    door = forward.socket(8080)
    door.setblocking(True)
    door.sendall(b"GET / HTTP/1.0\r\n\r\n")
    answer = b""
    while part := door.recv(4096):
        answer += part
    say(f"port: {answer.decode().splitlines()[-1]}")
    core.delete_namespaced_pod("web", namespace, grace_period_seconds=0)


define_greetings()
finished = threading.Event()
lock = ConfigMapLock("operator", namespace, "one")
election = electionconfig.Config(lock, lease_duration=17, renew_deadline=15, retry_period=5, onstarted_leading=operate, onstopped_leading=None)
threading.Thread(target=leaderelection.LeaderElection(election).run, daemon=True).start()
finished.wait()
