// What the programs share: the steps in their order, and how they report (see compat/clients/scenario.py).

'use strict';

const { isDeepStrictEqual, inspect } = require('node:util');
const readline = require('node:readline');

const STEPS = [
  'strings', 'binary', 'hashes', 'sorted_sets', 'pipeline', 'transaction', 'publish_subscribe', 'blocking_pop',
  'streams', 'scan', 'scripts', 'large_value', 'client_side_cache', 'reconnect',
];

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, code) => code));
const UNICODE = 'grüße 你好 \u{1f40d}';
const LARGE_BYTES = 8 << 20;
const ADD_SCRIPT = "local n = redis.call('INCRBY', KEYS[1], ARGV[1]) return {n, KEYS[1], ARGV[2]}";
const TIMEOUT_MS = 20000;

function check(found, expected) {
  if (!isDeepStrictEqual(found, expected)) throw new Error(`${inspect(found)} instead of ${inspect(expected)}`);
}

// Repeats an action until its result is what is waited for.
async function until(action, expected) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const result = await action();
    if (isDeepStrictEqual(result, expected)) return;
    if (Date.now() > deadline) throw new Error(`still ${inspect(result)} instead of ${inspect(expected)}`);
  }
}

async function raises(promise, pattern) {
  let error;
  try { await promise; } catch (caught) { error = caught; }
  if (!error || !pattern.test(String(error.message))) throw new Error(`no ${pattern} but ${inspect(error)}`);
}

function askForRestart() {
  console.log('restart');
  const input = readline.createInterface({ input: process.stdin });
  return new Promise((done) => input.once('line', () => { input.close(); done(); }));
}

async function report(steps) {
  for (const step of STEPS) {
    if (!steps[step]) continue;
    try {
      await steps[step]();
      console.log(`ok ${step}`);
    } catch (error) {
      console.error(error);
      console.log(`fail ${step} ${String(error.message || error).replace(/\s+/g, ' ').slice(0, 300)}`);
    }
  }
  process.exit(0);
}

module.exports = { ADD_SCRIPT, ALL_BYTES, LARGE_BYTES, UNICODE, askForRestart, check, raises, report, until };
