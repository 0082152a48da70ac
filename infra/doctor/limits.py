"""Checks of what AWS allows: messages outside of the sandboxes, and quotas against what was measured."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.doctor.findings import Examined, Finding
from infra.stage.aws_faults import AWS_FAILURES

LOOK_BACK = timedelta(days=14)
# CloudWatch answers at most 1,440 points.
PERIOD_S = 15 * 60
# Of a quota, in parts of one.
CLOSE, FULL = 0.5, 0.8
# KMS signs with RSA keys so often a second, unless the quota was raised. Service Quotas has it by this code.
SIGN_RATE, SIGN_CODE = 1_000, "L-7DBEA0C5"
# Concurrent executions of an account that is a day old.
NEW_ACCOUNT = 10


def check_mails(examined: Examined) -> Iterator[Finding]:
    """Find an account of SES that may write to nobody, or a sender that it has not verified."""
    sender = examined.environment().get("GATEHOUSE_EMAIL_FROM", "")
    if not sender:
        yield Finding(
            "emails",
            "amber",
            "GATEHOUSE_EMAIL_FROM is not set, so none are sent.",
            "docs/run/mails.md says what needs them",
        )
        return
    ses = examined.stage.clients.sesv2()
    if not ses.get_account().get("ProductionAccessEnabled"):
        yield Finding(
            "emails",
            "red",
            "SES is in its sandbox: only verified addresses get mail.",
            "ask for production access in SES",
        )
    try:
        is_verified = ses.get_email_identity(EmailIdentity=sender).get("VerifiedForSendingStatus", False)
    except ses.exceptions.NotFoundException:
        is_verified = False
    if is_verified:
        yield Finding("sender of emails", "green", f"SES sends as {sender}.")
    else:
        yield Finding(
            "sender of emails",
            "red",
            f"SES has not verified {sender}.",
            f"aws sesv2 create-email-identity --email-identity {sender}",
        )


def check_texts(examined: Examined) -> Iterator[Finding]:
    """Find an account of SNS that may send text messages to nobody, if the tenant has that factor."""
    tenant = dict(examined.stage.config().documents()).get("tenant", {})
    if "sms" not in tenant.get("mfa", {}).get("factors", ()):
        yield Finding("text messages", "green", "The tenant has no factor that needs them.")
    elif examined.stage.clients.sns().get_sms_sandbox_account_status()["IsInSandbox"]:
        yield Finding(
            "text messages",
            "red",
            "SNS is in its sandbox: only verified numbers get texts.",
            "leave it in SNS's console",
        )
    else:
        yield Finding("text messages", "green", "SNS is out of its sandbox.")


def check_concurrency(examined: Examined) -> Iterator[Finding]:
    """Hold the function's concurrency of two weeks against the account's quota, or what is reserved."""
    client = examined.client("lambda")
    limit = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    reserved = client.get_function_concurrency(FunctionName=examined.function()).get("ReservedConcurrentExecutions")
    if reserved == 0:
        mend = f"aws lambda delete-function-concurrency --function-name {examined.function()}"
        yield Finding("concurrency", "red", "The function is stopped: 0 executions are reserved for it.", mend)
        return
    most = reserved or limit
    used = _highest(examined, "AWS/Lambda", "ConcurrentExecutions", "Maximum", FunctionName=examined.function())
    what = f"{most} executions at once{' are reserved' if reserved else ''}"
    if limit <= NEW_ACCOUNT:
        yield Finding(
            "concurrency", "red", f"The account runs {limit} functions at once.", "raise L-B99A9384 in Service Quotas"
        )
    elif used is None:
        yield Finding("concurrency", "amber", f"{what}; no use was measured in two weeks.", "")
    else:
        yield hold(
            "concurrency", used, most, f"{what}; at most {used:,.0f} were used", "raise L-B99A9384 in Service Quotas"
        )


def check_signatures(examined: Examined) -> Iterator[Finding]:
    """Hold the rate of requests, each of which may sign once, against KMS's quota."""
    calls = _highest(examined, "AWS/Lambda", "Invocations", "Sum", FunctionName=examined.function())
    try:
        answer = examined.client("service-quotas").get_service_quota(ServiceCode="kms", QuotaCode=SIGN_CODE)
        most, source = answer["Quota"]["Value"], "the quota"
    except AWS_FAILURES:
        most, source = SIGN_RATE, "AWS's default"
    if calls is None:
        yield Finding("KMS Sign", "amber", f"{most:,.0f} a second ({source}); no rate was measured in two weeks.", "")
    else:
        rate = calls / PERIOD_S
        message = f"{most:,.0f} a second ({source}); the busiest quarter of an hour had {rate:,.1f} requests a second"
        yield hold("KMS Sign", rate, most, message, "raise KMS's rate of RSA requests in Service Quotas")


def check_alarms(examined: Examined) -> Iterator[Finding]:
    """Find alarms that are missing, or tell nobody."""
    name = examined.stage.name
    alarms = examined.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"gatehouse-{name}-")["MetricAlarms"]
    silent = [alarm["AlarmName"] for alarm in alarms if not alarm["AlarmActions"]]
    topics = {action for alarm in alarms for action in alarm["AlarmActions"]}
    sns = examined.stage.clients.sns()
    told = [one for topic in topics for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]
    subscribe = f"gatehouse up --stage {name} --alarm-email ADDRESS TENANT_FILE"
    if not alarms:
        yield Finding("alarms", "red", "There are none.", f"gatehouse up --stage {name} TENANT_FILE")
    elif silent:
        yield Finding(
            "alarms", "amber", f"Without an action: {', '.join(silent)}.", f"gatehouse up --stage {name} TENANT_FILE"
        )
    elif not told:
        yield Finding("alarms", "amber", f"{len(alarms)} alarms tell nobody.", subscribe)
    else:
        yield Finding("alarms", "green", f"{len(alarms)} alarms tell {len(told)} subscribers.")


def hold(check: str, used: float, most: float, message: str, mend: str) -> Finding:
    """Return the finding of a use: green below half of the quota, red from four fifths on."""
    part = used / most
    if part < CLOSE:
        return Finding(check, "green", f"{message}.")
    return Finding(check, "red" if part >= FULL else "amber", f"{message}: {part:.0%}.", mend)


def _highest(examined: Examined, namespace: str, metric: str, statistic: str, **dimensions: str) -> float | None:
    """Return the highest value of a metric in two weeks, or None for no value."""
    now = datetime.now(UTC)
    answer: dict[str, Any] = examined.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - LOOK_BACK,
        EndTime=now,
        Period=PERIOD_S,
        Statistics=[statistic],
    )
    return max((float(point[statistic]) for point in answer["Datapoints"]), default=None)
