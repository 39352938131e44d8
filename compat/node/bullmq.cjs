// BullMQ: plain, delayed, prioritised, retried and failing jobs and a flow of parents and children, through a worker
// that does ten at a time: node bullmq.cjs PORT SECONDS. Reports as compat/applications/report.py says.

'use strict';

const { isDeepStrictEqual, inspect } = require('node:util');
const { FlowProducer, Queue, QueueEvents, Worker } = require('bullmq');

const [port, seconds] = process.argv.slice(2).map(Number);
const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
const TIMEOUT_MS = 30000;

const faults = [];
let done = 0;

function compare(what, found, expected) {
  if (!isDeepStrictEqual(found, expected)) faults.push(`${what}: ${inspect(found)} instead of ${inspect(expected)}`);
}

async function work(job) {
  if (job.name === 'unlucky' && job.attemptsMade < 2) throw new Error('not yet');
  if (job.name === 'failing') throw new Error('never');
  if (job.name === 'parent') return Object.values(await job.getChildrenValues()).reduce((sum, value) => sum + value, 0);
  await job.updateProgress(50);
  return job.data.number * job.data.number;
}

async function round(number, queue, events, flows) {
  const numbers = Array.from({ length: 20 }, (_, index) => number * 100 + index);
  const jobs = await queue.addBulk(numbers.map((data) => ({ name: 'square', data: { number: data } })));
  const others = [
    await queue.add('square', { number: 3 }, { delay: 50 }),
    await queue.add('square', { number: 4 }, { priority: 2 }),
    await queue.add('unlucky', { number: 5 }, { attempts: 3, backoff: { type: 'fixed', delay: 20 } }),
  ];
  const failing = await queue.add('failing', {});
  const flow = await flows.add({
    name: 'parent', queueName: queue.name, data: {},
    children: [1, 2, 3].map((child) => ({ name: 'square', queueName: queue.name, data: { number: child } })),
  });
  const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, TIMEOUT_MS)));
  compare('squares', results, numbers.map((value) => value * value));
  compare('others', await Promise.all(others.map((job) => job.waitUntilFinished(events, TIMEOUT_MS))), [9, 16, 25]);
  compare('flow', await flow.job.waitUntilFinished(events, TIMEOUT_MS), 14);
  const failure = await failing.waitUntilFinished(events, TIMEOUT_MS).catch((error) => error.message);
  compare('failure', failure, 'never');
  done += 20 + 3 + 4 + 1;
}

async function main() {
  const queue = new Queue('work', { connection });
  const events = new QueueEvents('work', { connection });
  const flows = new FlowProducer({ connection });
  const worker = new Worker('work', work, { connection, concurrency: 10 });
  for (const part of [queue, events, flows, worker]) part.on('error', (error) => console.error(error.message));
  try {
    await events.waitUntilReady();
    const end = Date.now() + seconds * 1000;
    let rounds = 0;
    do await round(rounds++, queue, events, flows); while (Date.now() < end && faults.length === 0);
    const counts = await queue.getJobCounts('completed', 'failed', 'waiting', 'active', 'delayed', 'prioritized');
    compare('counts', counts, {
      completed: rounds * 27, failed: rounds, waiting: 0, active: 0, delayed: 0, prioritized: 0,
    });
  } catch (error) {
    console.error(error);
    faults.push(String(error.message || error).slice(0, 400));
  }
  console.log(JSON.stringify({ done, faults }));
  await Promise.race([
    Promise.all([worker.close(), events.close(), queue.close(), flows.close()]),
    new Promise((resolve) => setTimeout(resolve, 5000).unref()),
  ]);
  process.exit(0);
}

main();
