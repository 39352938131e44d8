// The scenario through node-redis: node node_redis.cjs PORT PROTOCOL

'use strict';

const { createClient, defineScript, RESP_TYPES, WatchError } = require('redis');
const scenario = require('./scenario.cjs');

const { ADD_SCRIPT, ALL_BYTES, LARGE_BYTES, UNICODE, check, raises, until } = scenario;
const [port, protocol] = process.argv.slice(2).map(Number);

const add = defineScript({
  SCRIPT: ADD_SCRIPT,
  NUMBER_OF_KEYS: 1,
  parseCommand(parser, key, amount, text) { parser.pushKey(key); parser.push(amount, text); },
  transformReply: (reply) => reply,
});

async function connect(options = {}) {
  const client = createClient({
    socket: { host: '127.0.0.1', port, reconnectStrategy: 50 }, RESP: protocol, scripts: { add }, ...options,
  });
  client.on('error', () => {}); // a lost connection is mended by the library
  await client.connect();
  return client;
}

async function blockedClients(client) {
  return Number(/blocked_clients:(\d+)/.exec(await client.info('clients'))[1]);
}

async function main() {
  const client = await connect();
  const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  await client.flushAll();

  await scenario.report({
    async strings() {
      check(await client.set('s', 'value', { EX: 100 }), 'OK');
      check(await client.get('s'), 'value');
      check(await client.set('s', 'other', { NX: true }), null);
      check(await client.set('s', 'other', { GET: true }), 'value');
      check([await client.incr('n'), await client.incrBy('n', 41), await client.incrByFloat('f', 1.5)], [1, 42, '1.5']);
      check(await client.mSet({ a: '1', b: '2' }), 'OK');
      check(await client.mGet(['a', 'b', 'none']), ['1', '2', null]);
      check(await client.del(['a', 'b', 'none']), 2);
    },

    async binary() {
      check(await client.set(ALL_BYTES, ALL_BYTES), 'OK');
      check(await binary.get(ALL_BYTES), ALL_BYTES);
      check(await client.hSet('u', UNICODE, UNICODE), 1);
      check({ ...await client.hGetAll('u') }, { [UNICODE]: UNICODE });
    },

    async hashes() {
      check(await client.hSet('h', { a: 1, b: 'two' }), 2);
      check({ ...await client.hGetAll('h') }, { a: '1', b: 'two' });
      check(await client.hIncrBy('h', 'a', 4), 5);
      check(await client.hmGet('h', ['a', 'none']), ['5', null]);
      const found = [];
      for await (const entries of client.hScanIterator('h')) for (const entry of [entries].flat()) found.push(entry.field);
      check(found.sort(), ['a', 'b']);
    },

    async sorted_sets() {
      check(await client.zAdd('z', [{ score: 1, value: 'a' }, { score: 2.5, value: 'b' }, { score: 3, value: 'c' }]), 3);
      check(
        await client.zRangeWithScores('z', 0, -1),
        [{ value: 'a', score: 1 }, { value: 'b', score: 2.5 }, { value: 'c', score: 3 }],
      );
      check(await client.zScore('z', 'b'), 2.5);
      check(await client.zRank('z', 'c'), 2);
      check(await client.zIncrBy('z', 10, 'a'), 11);
      check(await client.zRangeByScore('z', 2, 5), ['b', 'c']);
      check(await client.zPopMin('z'), { value: 'b', score: 2.5 });
    },

    async pipeline() {
      const numbers = Array.from({ length: 1000 }, (_, number) => number);
      const replies = await Promise.all(numbers.map((number) => client.rPush('p', String(number))));
      check(replies, numbers.map((number) => number + 1));
      check(await client.lRange('p', 0, -1), numbers.map(String));
      await raises(client.incr('p'), /^WRONGTYPE/);
    },

    async transaction() {
      const [watcher, other] = [await connect(), await connect()];
      await watcher.set('t', '1');
      await watcher.watch('t');
      await other.set('t', '2');
      let conflict;
      try { await watcher.multi().incr('t').exec(); } catch (error) { conflict = error; }
      check(conflict instanceof WatchError, true);
      await watcher.watch('t');
      check(await watcher.multi().incr('t').get('t').exec(), [3, '3']);
      watcher.destroy();
      other.destroy();
    },

    async publish_subscribe() {
      const subscriber = await connect();
      const found = [];
      await subscriber.subscribe('news', (message, channel) => found.push([channel, message]));
      await subscriber.pSubscribe('ne?t', (message, channel) => found.push([channel, message]), true);
      check(await client.publish('news', 'one'), 1);
      check(await client.publish('next', Buffer.from([0, 255])), 1);
      await until(async () => { await client.ping(); return found.length; }, 2);
      check(found[0], ['news', 'one']);
      check(Buffer.from(found[1][1]), Buffer.from([0, 255]));
      await subscriber.unsubscribe('news');
      subscriber.destroy();
    },

    async blocking_pop() {
      const waiter = await connect();
      const popped = waiter.blPop(['q1', 'q2'], 20);
      await until(() => blockedClients(client), 1);
      await client.rPush('q2', 'job');
      check({ ...await popped }, { key: 'q2', element: 'job' });
      check(await waiter.blPop('q1', 0.05), null);
      waiter.destroy();
    },

    async streams() {
      const ids = [];
      for (let number = 0; number < 3; number++) ids.push(await client.xAdd('x', '*', { n: String(number) }));
      check(await client.xGroupCreate('x', 'g', '0'), 'OK');
      const read = await client.xReadGroup('g', 'one', { key: 'x', id: '>' }, { COUNT: 2 });
      check(JSON.stringify(read).includes(ids[1]), true);
      check(await client.xAck('x', 'g', ids[0]), 1);
      check((await client.xPending('x', 'g')).pending, 1);
      const claimed = await client.xAutoClaim('x', 'g', 'two', 0, '0');
      check(claimed.messages.map((message) => message.id), [ids[1]]);
      check(await client.xLen('x'), 3);
      check((await client.xInfoGroups('x'))[0].pending, 1);
    },

    async scan() {
      const pairs = {};
      for (let number = 0; number < 1000; number++) pairs[`scan:${number}`] = String(number);
      await client.mSet(pairs);
      const found = new Set();
      for await (const keys of client.scanIterator({ MATCH: 'scan:*', COUNT: 100 })) for (const key of [keys].flat()) found.add(key);
      check(found.size, 1000);
    },

    async scripts() {
      check(await client.add('count', '5', 'x'), [5, 'count', 'x']);
      await client.scriptFlush();
      check(await client.add('count', '5', 'y'), [10, 'count', 'y']); // NOSCRIPT, then EVAL
      check(await client.eval("return {1, 'two', {3}, false}"), [1, 'two', [3], null]);
      await raises(client.eval("return redis.error_reply('MINE no')"), /^MINE no$/);
    },

    async large_value() {
      const value = Buffer.alloc(LARGE_BYTES, 0xab);
      check(await client.set('large', value), 'OK');
      check((await binary.get('large')).equals(value), true);
      await client.del('large');
    },

    client_side_cache: protocol === 3 && (async () => {
      const caching = await connect({ clientSideCache: { ttl: 0, maxEntries: 100, evictPolicy: 'LRU' } });
      await client.set('cached', '1');
      await client.configResetStat();
      for (let time = 0; time < 5; time++) check(await caching.get('cached'), '1');
      check(/cmdstat_get:calls=(\d+)/.exec(await client.info('commandstats'))[1], '1');
      await client.set('cached', '2');
      await until(async () => { await client.ping(); return caching.get('cached'); }, '2');
      caching.destroy();
    }),

    async reconnect() {
      await client.set('before', '1');
      await scenario.askForRestart();
      check(await client.set('after', '2'), 'OK');
      check(await client.get('after'), '2');
    },
  });
}

main();
