"""Stacks survive a snapshot, also one of an older version."""

from localcloud.cloudformation.model import Change, ChangeSet, Drifted, Resource, Stack, from_json, to_json


def _stack() -> Stack:
    resource = Resource("Bucket", "AWS::S3::Bucket", "b", {"BucketName": "b"}, {"Arn": "a"}, "done", True)
    stack = Stack("one", "id", "CREATE_COMPLETE", resources={"Bucket": resource})
    changes = ChangeSet("set", "id", "CREATE", {}, {}, [Change("Add", "Bucket", "AWS::S3::Bucket")])
    stack.change_sets["set"] = changes
    stack.drift = [Drifted("Bucket", "IN_SYNC", [])]
    stack.say("UPDATE_COMPLETE")
    return stack


def test_a_stack_is_read_as_it_was_written() -> None:
    stack = _stack()
    assert from_json(to_json(stack)) == stack


def test_fields_of_an_older_version_are_left_out() -> None:
    stack = _stack()
    assert from_json({**to_json(stack), "tags": {}}) == stack
