-- Whole scripts, one a line, for test_scripting_side_by_side.py.
return redis.call('incr','x')
return redis.call('set','y','1.5')
return {redis.call('get','nokey')==false, type(redis.call('get','x'))}
return redis.call('lpush','l',1,2,3)
return redis.call('lrange','l',0,-1)
return redis.call('hset','h','a',1,'b',2)
return redis.call('hgetall','h')
redis.setresp(3); return redis.call('hgetall','h')
redis.setresp(3); local m=redis.call('hgetall','h'); return m.map.a
redis.setresp(3); redis.call('sadd','s','m'); return redis.call('smembers','s')
redis.setresp(3); redis.call('zadd','z',1.5,'m'); return redis.call('zscore','z','m')
redis.setresp(3); return type(redis.call('zscore','z','m').double)
redis.setresp(3); return redis.call('get','nokey')
redis.setresp(3); return type(redis.call('get','nokey'))
redis.setresp(3); return true
redis.setresp(3); return false
redis.setresp(3); return {true,false}
redis.setresp(3); return redis.call('zrange','z',0,-1,'withscores')
redis.setresp(3); return redis.call('debug','protocol','bignum')
redis.setresp(3); return redis.call('debug','protocol','verbatim')
redis.setresp(3); return redis.call('debug','protocol','true')
redis.setresp(3); return redis.call('debug','protocol','double')
return redis.call('debug','protocol','map')
return redis.call('debug','protocol','set')
redis.setresp(4)
redis.setresp()
redis.setresp(2,3)
return redis.call()
return redis.call({})
return redis.call('get',{})
return redis.call('get',nil)
return redis.call('get',true)
return redis.pcall('get',true)
return redis.call('set','f',1.5) and redis.call('get','f')
return redis.call('set','f',2^53) and redis.call('get','f')
return redis.call('set','f',100000000000000000000) and redis.call('get','f')
return redis.call('set','f',1/0) and redis.call('get','f')
return redis.call('nosuch','a')
return redis.call('get')
return redis.call('get','a','b')
return redis.call('script','load','x')
return redis.call('script','nope')
return redis.call('script')
return redis.call('config')
return redis.call('config','nope')
return redis.call('eval','return 1',0)
return redis.call('multi')
return redis.call('xread','block',0,'streams','st','$')
return redis.call('subscribe','x')
return redis.call('select',2) and redis.call('set','in2','v')
return redis.call('get','in2')
return redis.pcall('lpush','x',1)
return redis.pcall('lpush','x',1).err
local e=redis.pcall('lpush','x',1) local t={} for k,v in pairs(e) do t[#t+1]=k..'='..tostring(v) end table.sort(t) return t
local ok,e=pcall(redis.call,'lpush','x',1) return {tostring(ok),type(e),e}
local ok,e=pcall(function() redis.call('lpush','x',1) end) return {tostring(ok),type(e),e}
local ok,e=pcall(function() error('boo') end) return {tostring(ok),type(e),e}
local ok,e=pcall(function() error({a=1}) end) return {tostring(ok),type(e)}
local ok,e=xpcall(function() error('boo') end, function(x) return 'h:'..x end) return {tostring(ok),e}
local ok,e=xpcall(function() error('boo') end, function(x) error('again') end) return {tostring(ok),e}
return {xpcall(function() return 1,2,3 end, print)}
error('x')
error('x',0)
error('x',2)
error({err='FOO bar'})
error({err='FOO'})
error()
error(nil)
error(12)
return error_reply('x')
return redis.error_reply('x')
return redis.error_reply('X y')
return redis.error_reply('-X y')
return redis.error_reply('X')
return redis.error_reply('')
return redis.error_reply('MY ERR with\r\nlines')
return redis.error_reply(1)
return redis.error_reply('a','b')
return redis.status_reply('x')
return redis.status_reply('a\r\nb')
return redis.status_reply(1)
return redis.status_reply()
return {err='a'}
return {err='a b', ok='c'}
return {ok='a\nb'}
return {err={}}
return {1,{err='E x'},2}
return {double=1e10}
return {double=1/0}
return {verbatim_string={format='t',string='x'}}
return {verbatim_string={format='longer',string='x'}}
return {verbatim_string={string='x'}}
return {map={a=1}}
return {set={a=1}}
return {map={a={map={b=1}}}}
return {{},{}}
return {1,2,3,nil,5}
return {['a']=1}
return -1.5
return 1e15
return 2^63
return -2^63
return 1e400
return 0/0
return redis.sha1hex('foo')
return redis.sha1hex()
return redis.sha1hex(1)
return redis.sha1hex({})
return redis.log(1)
return redis.log('x','y')
return redis.log(10,'y')
return redis.log(redis.LOG_DEBUG,'y',1,{},nil,'z')
return redis.log('1','y')
return redis.set_repl(5)
return redis.set_repl(redis.REPL_ALL)
return redis.replicate_commands()
return redis.breakpoint()
return redis.acl_check_cmd('get','x')
return redis.acl_check_cmd('nosuch','x')
return {redis.acl_check_cmd('client'), redis.acl_check_cmd('client', 'list'), redis.acl_check_cmd('config')}
return redis.acl_check_cmd('client', 'nosuch')
return redis.acl_check_cmd()
return redis.acl_check_cmd({})
return redis.nosuch
return redis.nosuch()
return {redis.LOG_DEBUG,redis.LOG_VERBOSE,redis.LOG_NOTICE,redis.LOG_WARNING,redis.REPL_NONE,redis.REPL_AOF,redis.REPL_SLAVE,redis.REPL_REPLICA,redis.REPL_ALL}
return type(redis.REDIS_VERSION)..type(redis.REDIS_VERSION_NUM)
redis.x=1
redis.call=1
x=1
function f() end
local t=setmetatable({},{__index=_G}) return type(t.redis)
_G.x=1
rawset(_G,'x',1)
rawset(redis,'x',1)
setmetatable(_G,{})
setmetatable(redis,{})
return getmetatable(redis)
return type(getmetatable(_G))
getmetatable(_G).__index=nil
string.x=1
math.random=1
cjson.encode=1
print('x')
return print
return dofile
return loadfile
return require
return module
return io
return package
return debug
return newproxy
return type(_G)..type(_VERSION)
return _VERSION
return tostring(_G)==nil
return unpack({1,2,3})
return {unpack({1,2,3})}
return loadstring('return 1+1')()
return loadstring('x=1')()
return loadstring('return x')()
return loadstring('\27Lua')
return {loadstring('\27Lua')}
return {loadstring('syntax error here')}
return {loadstring('return 1','name')}
return {load(function() return nil end)}
return {pcall(load(function() return nil end))}
return string.dump(function() end):byte()
return {loadstring(string.dump(function() return 5 end))}
return getfenv(0)==_G
return getfenv()==_G
return getfenv(1)==_G
return getfenv(redis.call)==_G
return {pcall(setfenv,redis.call,{})}
local f=setfenv(function() return y end,{y=7}) return f()
return collectgarbage('count')>0
return type(gcinfo())
return math.random(0)
return math.random(5,1)
return math.random(1,2,3)
return math.random('x')
return #string.rep('ab',5000)
return ('x'):rep(3)
return ('x'):upper()
return ("a"):nosuch()
return nosuch
return nosuch.x
local a; return a.b
local a; return a()
local a={} return a.b.c
return 1 .. {}
return {} < {}
return #5
return KEYS[1]
return KEYS
KEYS=1
KEYS[1]='x' return KEYS
return {#KEYS,#ARGV}
return tostring(nil)..tostring(true)..tostring(12)..tostring(1e20)
return tonumber('0x10')
return {tonumber('x')}
return coroutine.wrap(function() return coroutine.yield(1) end)()
local co=coroutine.create(function(a) local b=coroutine.yield(a+1) return b*2 end) local _,x=coroutine.resume(co,1) local _,y=coroutine.resume(co,10) return {x,y,coroutine.status(co)}
local co=coroutine.create(function() error('in co') end) local ok,e=coroutine.resume(co) return {tostring(ok),e}
coroutine.wrap(function() error('in wrap') end)()
coroutine.wrap(function() redis.call('lpush','x',1) end)()
return table.concat({1,2,3},',')
local t={3,1,2} table.sort(t) return t
table.sort({3,1,2},function(a,b) error('cmp') end)
return select('#',1,2,3)
return {select(2,'a','b','c')}
return rawequal(redis,redis)
return rawget(redis,'LOG_DEBUG')
return next({})
for k,v in next,{a=1} do return k end
return cjson.encode({a=1})
return cjson.decode('[1,2,{"a":null}]')
return cjson.decode('{bad')
return cmsgpack.unpack(cmsgpack.pack({1,2,3}))
return bit.band(255,15)
return struct.unpack('I',struct.pack('I',7))
local s='x' for i=1,10 do s=s..s end return #s
return 'a\0b'
return redis.call('echo','a\0b')
return redis.call('set','k\0','v\0v') and redis.call('get','k\0')
return return
x ==
