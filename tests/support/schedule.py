"""The event of a schedule, as EventBridge sends it. Source: AWS's "Amazon EventBridge events", Scheduled Event."""

EVENT = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-22T00:00:00Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:events:eu-west-1:123456789012:rule/gatehouse-dev-tell_blocked"],
    "detail": {},
}
