import io
import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import boto3
import pytest
import urllib3

from localcloud.aws.front import Front
from localcloud.aws.turns import Turns
from localcloud.serving import HEADER_BYTES, UNDERSCORED


@pytest.fixture(scope="session")
def http(endpoint):
    with urllib3.PoolManager() as pool:
        yield lambda method, path, **kwargs: pool.request(method, endpoint + path, **kwargs)


def athena(http, operation, body):
    headers = {"X-Amz-Target": f"AmazonAthena.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    response = http("POST", "/", body=body, headers=headers)
    return response, json.loads(response.data)


def test_athena_calls_go_to_the_athena_part_on_kept_connections(http):
    answers = [athena(http, "StartQueryExecution", f'{{"n": {n}}}')[1] for n in range(150)]
    assert [answer["body"] for answer in answers] == [f'{{"n": {n}}}' for n in range(150)]
    assert answers[0]["target"] == "AmazonAthena.StartQueryExecution"
    # At most one connection for each of the front's threads.
    assert len({answer["connection"] for answer in answers}) <= 64


def test_an_error_of_the_athena_part_is_passed_on(http):
    response, _ = athena(http, "GetQueryExecution", "refuse")
    assert response.status == 400
    assert response.headers["x-amzn-ErrorType"] == "InvalidRequestException"


def test_a_foreign_host_name_is_refused(http):
    assert http("GET", "/lake", headers={"Host": "rebound.example.com"}).status == 403
    for name in ("localhost:1234", "127.0.0.1", "lake.localhost"):
        assert http("GET", "/", headers={"Host": name}).status == 200


def test_pages_of_other_origins_are_not_allowed_in(http):
    for method in ("GET", "POST", "PUT", "OPTIONS"):
        response = http(method, "/lake/page", headers={"Origin": "http://example.com"}, body=b"")
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers
    assert http("GET", "/lake/page", headers={"Origin": "http://localhost:3000"}).status != 403


def test_cross_site_embeds_and_links_are_refused(http):
    """Such a request has no Origin header; an HTML raw file would run as a page of this cloud."""
    for mode in ("navigate", "no-cors"):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
        assert http("GET", "/lake/page.html", headers=headers).status == 403
    assert http("GET", "/", headers={"Sec-Fetch-Site": "none"}).status == 200  # typed by the user


@pytest.mark.parametrize("start", ["GET /{} HTTP/1.1\r\n", "GET / HTTP/1.1\r\nX: {}\r\n"])
def test_an_oversized_request_head_is_refused(endpoint, start):
    place = urlsplit(endpoint)
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(start.format("a" * HEADER_BYTES).encode() + b"Host: localhost\r\n\r\n")
        assert connection.recv(1 << 16).split()[1] in (b"413", b"414")


def test_motos_control_api_is_not_served(http):
    assert http("POST", "/moto-api/reset").status == 404


def ask(front, service):
    """Return the status line and body of the answer to a request signed for `service`."""
    scope = f"AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    environ = {
        "PATH_INFO": "/",
        "REQUEST_URI": "/",
        "REQUEST_METHOD": "POST",
        "HTTP_AUTHORIZATION": scope,
        "wsgi.input": io.BytesIO(),
        UNDERSCORED: {},
    }
    status = []
    body = front(environ, lambda line, _headers: status.append(line))
    return "".join(status), b"".join(body).decode()


def front_of(handler):
    """Return a front over a handler instead of moto's, without an Athena part."""
    return Front(handler, lambda: None, handler, Turns(), "us-east-1")


@pytest.mark.parametrize(
    ("service", "failure", "status", "code"),
    [
        ("s3", KeyError("gone"), "500 Internal Server Error", "<Code>InternalError</Code>"),
        ("glue", KeyError("gone"), "500 Internal Server Error", '"__type": "InternalError"'),
        # Clients try 500 again but not 501.
        ("glue", NotImplementedError("gone"), "501 Not Implemented", '"__type": "NotImplemented"'),
    ],
)
def test_a_failure_of_moto_has_the_error_shape_of_the_service(service, failure, status, code):
    def handler(environ, start_response):
        raise failure

    answered, body = ask(front_of(handler), service)
    assert answered == status
    assert code in body
    assert "gone" in body


def test_a_call_to_an_athena_part_that_is_down_says_what_to_do():
    front = front_of(lambda environ, start_response: [])
    environ = {
        "PATH_INFO": "/",
        "REQUEST_URI": "/",
        "HTTP_X_AMZ_TARGET": "AmazonAthena.GetWorkGroup",
        "wsgi.input": io.BytesIO(),
    }
    status = []
    (body,) = front(environ, lambda line, headers: status.append((line, dict(headers))))
    assert status[0][0] == "500 Internal Server Error"
    assert status[0][1]["x-amzn-ErrorType"] == "InternalServerException"
    assert "dm local up" in json.loads(body)["message"]


def test_athena_names_its_region_when_asked_for_another(endpoint):
    elsewhere = boto3.client(
        "athena",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    with pytest.raises(
        elsewhere.exceptions.InvalidRequestException, match=r"is in us-east-1.*--region eu-central-1"
    ):
        elsewhere.list_work_groups()


def test_services_beyond_the_lake_answer_on_the_same_endpoint(client):
    assert client("sts").get_caller_identity()["Account"] == "123456789012"
    queue = client("sqs").create_queue(QueueName="q")["QueueUrl"]
    client("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    (message,) = client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == "hello"


def test_a_waiting_receive_blocks_no_other_call(client):
    sqs, s3 = client("sqs"), client("s3")
    queue = sqs.create_queue(QueueName="empty")["QueueUrl"]
    program = (
        "import boto3, sys; "
        "boto3.client('sqs', endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id='local',"
        " aws_secret_access_key='local').receive_message(QueueUrl=sys.argv[2], WaitTimeSeconds=5)"
    )
    endpoint = s3.meta.endpoint_url
    with subprocess.Popen([sys.executable, "-c", program, endpoint, queue]) as waiting:
        s3.put_object(Bucket="lake", Key="meanwhile", Body=b"")
        assert s3.get_object(Bucket="lake", Key="meanwhile")["Body"].read() == b""
        sqs.send_message(QueueUrl=queue, MessageBody="end")
    assert waiting.returncode == 0


def test_nothing_is_contacted_outside_this_machine(endpoint):
    program = """
import socket, sys
from localcloud.aws.patches import network
network.apply()
socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
for attempt in (
    lambda: socket.create_connection(("192.0.2.1", 80), timeout=5),
    lambda: socket.create_connection(("example.com", 80), timeout=5),
    lambda: socket.gethostbyname("example.com"),
    lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
):
    try:
        attempt()
    except PermissionError as error:
        assert "stays on this machine" in str(error)
    else:
        raise SystemExit("contacted")
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(urlsplit(endpoint).port)], check=True)


@pytest.mark.parametrize(
    ("service", "at_once"), [("s3", 1), ("glue", 1), ("dynamodb", 1), ("sqs", 1), ("ssm", 8)]
)
def test_handlers_that_check_and_act_run_one_at_a_time(service, at_once):
    inside = 0
    most = 0
    guard = threading.Lock()
    together = threading.Barrier(at_once)

    def handler(environ, start_response):
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        together.wait(timeout=10)
        time.sleep(0.01)
        with guard:
            inside -= 1
        return []

    front = front_of(handler)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(front, service), range(8)))
    assert most == at_once
