"""Checks logged requests and answers of the Xero simulator against Xero's published OpenAPI.

usage: xero_schema.py SPEC.yaml LOG.json

LOG is a list of {method, path, request, status, answer}. Besides the schema itself, unknown query
parameters and unknown members of answers are errors, but for members that the specification shows in its
own examples without declaring them, and `/Date(ms)/` must be spelled so.
"""

import json
import re
import sys
from urllib.parse import parse_qsl, urlsplit

import yaml
from jsonschema import Draft202012Validator, FormatChecker

# Shown in the specification's examples, or said in its descriptions, but declared nowhere.
UNDECLARED = {
    "Id", "Status", "ProviderName", "DateTimeUTC", "DateString", "DueDateString", "HasErrors", "HasValidationErrors",
    "ValidationErrors", "StatusAttributeString", "HasAttachments", "Warnings", "IsDiscounted", "ID",
}
MSDATE = re.compile(r"^/Date\(-?\d+(\+\d{4})?\)/$")


class Spec:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.root = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.paths = []
        for template in self.root["paths"]:
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
            self.paths.append((template.count("{"), re.compile(f"^{pattern}$"), template))
        self.paths.sort(key=lambda entry: entry[0])

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.root
            for part in node["$ref"].lstrip("#/").split("/"):
                target = target[part]
            node = target
        return node

    def operation(self, method, path):
        for _, pattern, template in self.paths:
            if pattern.match(path) and method.lower() in self.root["paths"][template]:
                return template, self.root["paths"][template][method.lower()]
        return None, None

    def validate(self, schema, value):
        document = {"$ref": "#/x", "x": schema, "components": self.root["components"]}
        for error in Draft202012Validator(document, format_checker=FormatChecker()).iter_errors(value):
            yield "/".join(str(part) for part in error.absolute_path) + ": " + error.message[:300]

    def members(self, schema, value, where=""):
        """Members of an answer that the schema does not know, and dates spelled otherwise."""
        schema = self.resolve(schema)
        if isinstance(value, list):
            for index, entry in enumerate(value):
                yield from self.members(schema.get("items", {}), entry, f"{where}/{index}")
        elif isinstance(value, dict) and "properties" in schema:
            for name, member in value.items():
                inner = schema["properties"].get(name)
                if inner is None:
                    if name not in UNDECLARED:
                        yield f"{where}/{name}: not in the specification"
                    continue
                dated = inner.get("x-is-msdate") or inner.get("x-is-msdate-time")
                if dated and not (isinstance(member, str) and MSDATE.match(member)):
                    yield f"{where}/{name}: {member!r} is not spelled /Date(ms)/"
                yield from self.members(inner, member, f"{where}/{name}")


def content(spec, node):
    node = spec.resolve(node or {})
    return node.get("content", {}).get("application/json", {}).get("schema")


def check(spec, call):
    split = urlsplit("/" + call["path"])
    template, operation = spec.operation(call["method"], split.path)
    if operation is None:
        yield "the specification has no such operation"
        return
    known = {spec.resolve(parameter)["name"] for parameter in operation.get("parameters", [])}
    for name, _ in parse_qsl(split.query, keep_blank_values=True):
        if name not in known:
            yield f"query parameter {name} is not in the specification"
    schema = content(spec, operation.get("requestBody"))
    # A refused request may well break the schema: that is why it was refused.
    if call["request"] is not None and call["status"] == 200:
        for problem in spec.validate(schema, call["request"]):
            yield f"request {problem}"
    status = call["status"]
    if status == 404:
        if call["answer"] is not None:
            yield "a 404 has no body"
        return
    if status == 400:
        for problem in spec.validate({"$ref": "#/components/schemas/Error"}, call["answer"]):
            yield f"answer {problem}"
        return
    schema = content(spec, operation["responses"].get(str(status)))
    if schema is None:
        yield f"the specification has no answer {status}"
        return
    for problem in spec.validate(schema, call["answer"]):
        yield f"answer {problem}"
    for problem in spec.members(schema, call["answer"]):
        yield f"answer {problem}"


def main():
    spec = Spec(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        calls = json.load(file)
    failed = 0
    kinds = set()
    for call in calls:
        template, _ = spec.operation(call["method"], urlsplit("/" + call["path"]).path)
        kinds.add((call["method"], template, call["status"]))
        for problem in check(spec, call):
            failed += 1
            print(f"{call['method']} {call['path']} -> {call['status']}: {problem}")
    print(f"{len(calls)} exchanges of {len(kinds)} kinds checked, {failed} problems")
    return 1 if failed or not calls else 0


sys.exit(main())
