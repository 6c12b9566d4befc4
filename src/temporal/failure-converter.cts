import common = require('@temporalio/common');

/** Errors with their words and stacks as payloads, so that the codec encrypts them too. The SDK loads it with `require`. */
export = { failureConverter: new common.DefaultFailureConverter({ encodeCommonAttributes: true }) };
