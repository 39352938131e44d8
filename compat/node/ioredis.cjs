// The scenario through ioredis: node ioredis.cjs PORT

'use strict';

const Redis = require('ioredis');
const scenario = require('./scenario.cjs');

const { ADD_SCRIPT, ALL_BYTES, LARGE_BYTES, UNICODE, check, raises, until } = scenario;
const port = Number(process.argv[2]);

function connect() {
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => {}); // a lost connection is mended by the library
  return client;
}

async function blockedClients(client) {
  return Number(/blocked_clients:(\d+)/.exec(await client.info('clients'))[1]);
}

async function main() {
  const client = connect();
  client.defineCommand('add', { numberOfKeys: 1, lua: ADD_SCRIPT });
  await client.flushall();

  await scenario.report({
    async strings() {
      check(await client.set('s', 'value', 'EX', 100), 'OK');
      check(await client.get('s'), 'value');
      check(await client.set('s', 'other', 'NX'), null);
      check(await client.set('s', 'other', 'GET'), 'value');
      check([await client.incr('n'), await client.incrby('n', 41), await client.incrbyfloat('f', 1.5)], [1, 42, '1.5']);
      check(await client.mset({ a: 1, b: 2 }), 'OK');
      check(await client.mget('a', 'b', 'none'), ['1', '2', null]);
      check(await client.del('a', 'b', 'none'), 2);
    },

    async binary() {
      check(await client.set(ALL_BYTES, ALL_BYTES), 'OK');
      check(await client.getBuffer(ALL_BYTES), ALL_BYTES);
      check(await client.hset('u', UNICODE, UNICODE), 1);
      check(await client.hgetall('u'), { [UNICODE]: UNICODE });
    },

    async hashes() {
      check(await client.hset('h', { a: 1, b: 'two' }), 2);
      check(await client.hgetall('h'), { a: '1', b: 'two' });
      check(await client.hincrby('h', 'a', 4), 5);
      check(await client.hmget('h', 'a', 'none'), ['5', null]);
      const found = [];
      for await (const entries of client.hscanStream('h')) found.push(...entries);
      check(found.sort(), ['5', 'a', 'b', 'two']);
    },

    async sorted_sets() {
      check(await client.zadd('z', 1, 'a', 2.5, 'b', 3, 'c'), 3);
      check(await client.zrange('z', 0, -1, 'WITHSCORES'), ['a', '1', 'b', '2.5', 'c', '3']);
      check(await client.zscore('z', 'b'), '2.5');
      check(await client.zrank('z', 'c'), 2);
      check(await client.zincrby('z', 10, 'a'), '11');
      check(await client.zrangebyscore('z', 2, 5), ['b', 'c']);
      check(await client.zpopmin('z'), ['b', '2.5']);
    },

    async pipeline() {
      const pipeline = client.pipeline();
      for (let number = 0; number < 1000; number++) pipeline.rpush('p', number);
      pipeline.lrange('p', 0, -1).incr('p');
      const replies = await pipeline.exec();
      check(replies.slice(0, 1000).map(([, reply]) => reply), Array.from({ length: 1000 }, (_, number) => number + 1));
      check(replies[1000][1], Array.from({ length: 1000 }, (_, number) => String(number)));
      check(/^WRONGTYPE/.test(replies[1001][0].message), true);
    },

    async transaction() {
      const watcher = connect();
      await watcher.set('t', 1);
      await watcher.watch('t');
      await client.set('t', 2);
      check(await watcher.multi().incr('t').exec(), null);
      await watcher.watch('t');
      check(await watcher.multi().incr('t').get('t').exec(), [[null, 3], [null, '3']]);
      watcher.disconnect();
    },

    async publish_subscribe() {
      const subscriber = connect();
      const found = [];
      subscriber.on('message', (channel, message) => found.push([channel, message]));
      subscriber.on('pmessageBuffer', (pattern, channel, message) => found.push([String(channel), message]));
      await subscriber.subscribe('news');
      await subscriber.psubscribe('ne?t');
      check(await client.publish('news', 'one'), 1);
      check(await client.publish('next', Buffer.from([0, 255])), 1);
      await until(async () => { await client.ping(); return found; }, [['news', 'one'], ['next', Buffer.from([0, 255])]]);
      subscriber.disconnect();
    },

    async blocking_pop() {
      const waiter = connect();
      const popped = waiter.blpop('q1', 'q2', 20);
      await until(() => blockedClients(client), 1);
      await client.rpush('q2', 'job');
      check(await popped, ['q2', 'job']);
      check(await waiter.blpop('q1', 0.05), null);
      waiter.disconnect();
    },

    async streams() {
      const ids = [];
      for (let number = 0; number < 3; number++) ids.push(await client.xadd('x', '*', 'n', number));
      check(await client.xgroup('CREATE', 'x', 'g', 0), 'OK');
      const read = await client.xreadgroup('GROUP', 'g', 'one', 'COUNT', 2, 'STREAMS', 'x', '>');
      check(read, [['x', [[ids[0], ['n', '0']], [ids[1], ['n', '1']]]]]);
      check(await client.xack('x', 'g', ids[0]), 1);
      check((await client.xpending('x', 'g'))[0], 1);
      check((await client.xautoclaim('x', 'g', 'two', 0, 0))[1], [[ids[1], ['n', '1']]]);
      check(await client.xlen('x'), 3);
    },

    async scan() {
      const pairs = {};
      for (let number = 0; number < 1000; number++) pairs[`scan:${number}`] = number;
      await client.mset(pairs);
      const found = new Set();
      for await (const keys of client.scanStream({ match: 'scan:*', count: 100 })) keys.forEach((key) => found.add(key));
      check(found.size, 1000);
    },

    async scripts() {
      check(await client.add('count', 5, 'x'), [5, 'count', 'x']);
      await client.script('FLUSH');
      check(await client.add('count', 5, 'y'), [10, 'count', 'y']); // NOSCRIPT, then EVAL
      check(await client.eval("return {1, 'two', {3}, false}", 0), [1, 'two', [3], null]);
      await raises(client.eval("return redis.error_reply('MINE no')", 0), /^MINE no$/);
    },

    async large_value() {
      const value = Buffer.alloc(LARGE_BYTES, 0xab);
      check(await client.set('large', value), 'OK');
      check((await client.getBuffer('large')).equals(value), true);
      await client.del('large');
    },

    async reconnect() {
      await client.set('before', 1);
      await scenario.askForRestart();
      check(await client.set('after', 2), 'OK');
      check(await client.get('after'), '2');
    },
  });
}

main();
