/* The scenario through hiredis' C client: hiredis_client PORT. Reports as compat/clients/scenario.py says. */

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define LARGE_BYTES (8 << 20)

static int port;
static redisContext *client;
static char fault[300];

static redisContext *connect_to_server(void) {
  struct timeval limit = {20, 0};
  redisContext *context = redisConnectWithTimeout("127.0.0.1", port, limit);
  if (context == NULL || context->err) return context;
  redisSetTimeout(context, limit);
  return context;
}

/* What a reply should be, as text: "+OK", ":1", "$value", "_" for none, "*3" for three elements, "-ERR" for an error that
 * begins so. Keeps the first difference. */
static void expect(redisReply *reply, const char *expected) {
  char found[200] = "no reply";
  if (reply != NULL) {
    switch (reply->type) {
      case REDIS_REPLY_STATUS: snprintf(found, sizeof found, "+%s", reply->str); break;
      case REDIS_REPLY_ERROR: snprintf(found, sizeof found, "-%s", reply->str); break;
      case REDIS_REPLY_INTEGER: snprintf(found, sizeof found, ":%lld", reply->integer); break;
      case REDIS_REPLY_STRING: snprintf(found, sizeof found, "$%.150s", reply->str); break;
      case REDIS_REPLY_ARRAY: snprintf(found, sizeof found, "*%zu", reply->elements); break;
      case REDIS_REPLY_NIL: snprintf(found, sizeof found, "_"); break;
      default: snprintf(found, sizeof found, "a reply of type %d", reply->type);
    }
  }
  size_t compared = expected[0] == '-' ? strlen(expected) : sizeof found;
  if (strncmp(found, expected, compared) != 0 && fault[0] == '\0')
    snprintf(fault, sizeof fault, "%.100s instead of %.100s", found, expected);
}

static void holds(int truth, const char *what) {
  if (!truth && fault[0] == '\0') snprintf(fault, sizeof fault, "not so: %s", what);
}

/* Sends a command by hiredis' format and checks its reply. */
static void run(const char *expected, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  redisReply *reply = redisvCommand(client, format, arguments);
  va_end(arguments);
  expect(reply, expected);
  if (reply != NULL) freeReplyObject(reply);
}

static void strings(void) {
  run("+OK", "SET s value EX 100");
  run("$value", "GET s");
  run("_", "SET s other NX");
  run("$value", "SET s other GET");
  run(":1", "INCR n");
  run(":42", "INCRBY n 41");
  run("+OK", "MSET a 1 b 2");
  run("*3", "MGET a b none");
  run(":2", "DEL a b none");
}

static void binary(void) {
  unsigned char all[256];
  for (int code = 0; code < 256; code++) all[code] = (unsigned char)code;
  run("+OK", "SET %b %b", all, sizeof all, all, sizeof all);
  redisReply *reply = redisCommand(client, "GET %b", all, sizeof all);
  holds(reply && reply->type == REDIS_REPLY_STRING && reply->len == 256 && !memcmp(reply->str, all, 256), "all bytes");
  if (reply) freeReplyObject(reply);
}

static void hashes(void) {
  run(":2", "HSET h a 1 b two");
  run("*4", "HGETALL h");
  run(":5", "HINCRBY h a 4");
  run("$two", "HGET h b");
}

static void sorted_sets(void) {
  run(":3", "ZADD z 1 a 2.5 b 3 c");
  run("*6", "ZRANGE z 0 -1 WITHSCORES");
  run("$2.5", "ZSCORE z b");
  run(":2", "ZRANK z c");
  run("$11", "ZINCRBY z 10 a");
  run("*2", "ZPOPMIN z");
}

static void pipeline(void) {
  for (int number = 0; number < 1000; number++) redisAppendCommand(client, "RPUSH p %d", number);
  redisAppendCommand(client, "LRANGE p 0 -1");
  redisAppendCommand(client, "INCR p");
  for (int number = 1; number <= 1002; number++) {
    redisReply *reply = NULL;
    char expected[20];
    snprintf(expected, sizeof expected, ":%d", number);
    if (redisGetReply(client, (void **)&reply) != REDIS_OK) reply = NULL;
    expect(reply, number <= 1000 ? expected : number == 1001 ? "*1000" : "-WRONGTYPE");
    if (reply) freeReplyObject(reply);
  }
}

static void transaction(void) {
  redisContext *other = connect_to_server();
  run("+OK", "SET t 1");
  run("+OK", "WATCH t");
  freeReplyObject(redisCommand(other, "SET t 2"));
  run("+OK", "MULTI");
  run("+QUEUED", "INCR t");
  run("_", "EXEC");
  run("+OK", "MULTI");
  run("+QUEUED", "INCR t");
  run("+QUEUED", "GET t");
  run("*2", "EXEC");
  run("$3", "GET t");
  redisFree(other);
}

static void publish_subscribe(void) {
  redisContext *subscriber = connect_to_server();
  redisReply *reply = redisCommand(subscriber, "SUBSCRIBE news");
  expect(reply, "*3");
  if (reply) freeReplyObject(reply);
  run(":1", "PUBLISH news %b", "\0\xff", (size_t)2);
  reply = NULL;
  if (redisGetReply(subscriber, (void **)&reply) != REDIS_OK) reply = NULL;
  expect(reply, "*3");
  if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 3) {
    expect(reply->element[0], "$message");
    expect(reply->element[1], "$news");
    holds(reply->element[2]->len == 2 && !memcmp(reply->element[2]->str, "\0\xff", 2), "the message's bytes");
  }
  if (reply) freeReplyObject(reply);
  redisFree(subscriber);
}

static void blocking_pop(void) {
  redisContext *waiter = connect_to_server();
  redisReply *reply = NULL;
  int done = 0;
  redisAppendCommand(waiter, "BLPOP q1 q2 20");
  while (!done && redisBufferWrite(waiter, &done) == REDIS_OK) {
  }
  for (int tries = 0; tries < 100000; tries++) {
    reply = redisCommand(client, "INFO clients");
    int is_blocked = reply && strstr(reply->str, "blocked_clients:1") != NULL;
    if (reply) freeReplyObject(reply);
    if (is_blocked) break;
  }
  run(":1", "RPUSH q2 job");
  reply = NULL;
  if (redisGetReply(waiter, (void **)&reply) != REDIS_OK) reply = NULL;
  expect(reply, "*2");
  if (reply && reply->type == REDIS_REPLY_ARRAY) expect(reply->element[1], "$job");
  if (reply) freeReplyObject(reply);
  run("_", "BLPOP q1 0.05");
  redisFree(waiter);
}

static void streams(void) {
  run("$1-0", "XADD x 1-0 n 0");
  run("$2-0", "XADD x 2-0 n 1");
  run("+OK", "XGROUP CREATE x g 0");
  run("*1", "XREADGROUP GROUP g one STREAMS x >");
  run(":1", "XACK x g 1-0");
  run("*4", "XPENDING x g");
  run("*3", "XAUTOCLAIM x g two 0 0");
  run(":2", "XLEN x");
}

static void scan(void) {
  long found = 0;
  char cursor[40] = "0";
  for (int number = 0; number < 1000; number++) redisAppendCommand(client, "SET scan:%d %d", number, number);
  for (int number = 0; number < 1000; number++) {
    redisReply *reply = NULL;
    if (redisGetReply(client, (void **)&reply) == REDIS_OK) freeReplyObject(reply);
  }
  do {
    redisReply *reply = redisCommand(client, "SCAN %s MATCH scan:* COUNT 100", cursor);
    expect(reply, "*2");
    if (!reply || reply->type != REDIS_REPLY_ARRAY) return;
    snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
    found += (long)reply->element[1]->elements;
    freeReplyObject(reply);
  } while (strcmp(cursor, "0") != 0);
  holds(found == 1000, "SCAN gives 1000 keys");
}

static void scripts(void) {
  redisReply *loaded = redisCommand(client, "SCRIPT LOAD %s", "return redis.call('INCRBY', KEYS[1], ARGV[1])");
  holds(loaded && loaded->type == REDIS_REPLY_STRING && loaded->len == 40, "SCRIPT LOAD gives a digest");
  if (!loaded || loaded->type != REDIS_REPLY_STRING) return;
  run(":5", "EVALSHA %s 1 count 5", loaded->str);
  run("+OK", "SCRIPT FLUSH");
  run("-NOSCRIPT", "EVALSHA %s 1 count 5", loaded->str);
  run(":10", "EVAL %s 1 count 5", "return redis.call('INCRBY', KEYS[1], ARGV[1])");
  run("*4", "EVAL %s 0", "return {1, 'two', {3}, false}");
  run("-MINE no", "EVAL %s 0", "return redis.error_reply('MINE no')");
  freeReplyObject(loaded);
}

static void large_value(void) {
  char *value = malloc(LARGE_BYTES);
  memset(value, 0xab, LARGE_BYTES);
  run("+OK", "SET large %b", value, (size_t)LARGE_BYTES);
  redisReply *reply = redisCommand(client, "GET large");
  holds(reply && reply->len == LARGE_BYTES && !memcmp(reply->str, value, LARGE_BYTES), "the large value comes back");
  if (reply) freeReplyObject(reply);
  run(":1", "DEL large");
  free(value);
}

static void reconnect(void) {
  char line[16];
  run("+OK", "SET before 1");
  printf("restart\n");
  fflush(stdout);
  if (fgets(line, sizeof line, stdin) == NULL) return;
  holds(redisCommand(client, "GET before") == NULL && client->err, "the old connection is gone");
  holds(redisReconnect(client) == REDIS_OK, "redisReconnect");
  run("+OK", "SET after 2");
  run("$2", "GET after");
}

static const struct {
  const char *name;
  void (*run)(void);
} STEPS[] = {
    {"strings", strings}, {"binary", binary}, {"hashes", hashes}, {"sorted_sets", sorted_sets}, {"pipeline", pipeline},
    {"transaction", transaction}, {"publish_subscribe", publish_subscribe}, {"blocking_pop", blocking_pop},
    {"streams", streams}, {"scan", scan}, {"scripts", scripts}, {"large_value", large_value}, {"reconnect", reconnect},
};

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  port = atoi(argv[1]);
  client = connect_to_server();
  if (client == NULL || client->err) return 1;
  run("+OK", "FLUSHALL");
  for (size_t step = 0; step < sizeof STEPS / sizeof STEPS[0]; step++) {
    fault[0] = '\0';
    STEPS[step].run();
    if (fault[0]) printf("fail %s %s\n", STEPS[step].name, fault);
    else printf("ok %s\n", STEPS[step].name);
    fflush(stdout);
  }
  redisFree(client);
  return 0;
}
