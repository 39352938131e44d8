-- The world that scripts live in: globals they can read but not change, and the `redis` table.
--
-- Called once per Lua state with
--   G           Lua's own globals, which no script ever sees
--   env         an empty table that becomes the globals of scripts
--   server      the functions of the server, as fields: call, poll, log, set_repl, allows, sha1hex, note_error, ...
--   commands    the commands, by name: c[argument] runs one with one argument, c(first, second) with two
--   options     is_eval, version, version_number, soft_limit_kb
-- Returns a table of functions for the server: compile, runner, load_library, ...
--
-- Lua 5.1 has no tables that cannot be written, so what scripts see of shared tables are proxies: empty tables that
-- read from the real one and refuse to be written. Every built-in that gets past metatables (rawset, next, pairs ...)
-- knows them. Nothing here may read a global: the globals of this chunk are those of scripts.

local G, env, server, commands, options = ...

local type, error, tostring, tonumber, select, unpack = G.type, G.error, G.tostring, G.tonumber, G.select, G.unpack
local pcall, xpcall, next, pairs, ipairs = G.pcall, G.xpcall, G.next, G.pairs, G.ipairs
local rawget, rawset, rawequal = G.rawget, G.rawset, G.rawequal
local getmetatable, setmetatable, setfenv = G.getmetatable, G.setmetatable, G.setfenv
local loadstring, collectgarbage, gcinfo = G.loadstring, G.collectgarbage, G.gcinfo
local string, table, math, coroutine, debug = G.string, G.table, G.math, G.coroutine, G.debug
local getinfo, sethook, debug_getmetatable = debug.getinfo, debug.sethook, debug.getmetatable
local concat, format, floor = table.concat, string.format, math.floor
local call, answer, more = server.call, server.answer, server.more
local poll, note_error = server.poll, server.note_error
local soft_limit_kb = options.soft_limit_kb

-- Chunks whose functions stand for what is written in C in the real server: errors in them are their callers'.
local INTERNAL = {[getinfo(1, "S").source] = true}
for _, name in ipairs({"arguments", "ieee754", "cjson", "cmsgpack", "struct", "bit"}) do
    INTERNAL["=" .. name] = true
end
local HOOK_INSTRUCTIONS = 10000
local READ_ONLY = "Attempt to modify a readonly table"

-- Read-only tables ---------------------------------------------------------------------------------------------------

local originals = setmetatable({}, {__mode = "k"}) -- proxy -> what it stands for

local function refuse_write()
    error(READ_ONLY, 2)
end

local function no_such_global(_, name)
    if type(name) ~= "string" and type(name) ~= "number" then
        error("Second argument to luaProtectedTableError must be a string or number", 2)
    end
    error("Script attempted to access nonexistent global variable '" .. name .. "'", 2)
end

local function protect(original, proxy)
    proxy = proxy or {}
    originals[proxy] = original
    return setmetatable(proxy, {__index = original, __newindex = refuse_write})
end

-- Where a script is: the innermost of its functions.
local function script_place(level)
    local place = getinfo(level, "Sl")
    while place and (place.what == "C" or place.what == "tail" or INTERNAL[place.source]) do
        level = level + 1
        place = getinfo(level, "Sl")
    end
    return place
end

-- An error as functions written in C raise it: with the place in the script that called them.
local function raise(text)
    local place = script_place(2)
    if place then
        text = place.short_src .. ":" .. place.currentline .. ": " .. text
    end
    error(text, 0)
end

-- Time limits and kills ----------------------------------------------------------------------------------------------

local kill_reason = nil

local function on_count()
    local reason = poll()
    if reason then
        -- From now on every instruction fails, so that catching the error does not help.
        if not kill_reason then
            kill_reason = reason
            sethook(on_count, "", 1)
        end
        error({err = reason})
    elseif kill_reason then
        kill_reason = nil
        sethook(on_count, "", HOOK_INSTRUCTIONS)
    end
end

local function check_killed(...)
    if kill_reason then
        error({err = kill_reason})
    end
    return ...
end

sethook(on_count, "", HOOK_INSTRUCTIONS)

-- Built-ins that need a guard ----------------------------------------------------------------------------------------

-- They look at their arguments themselves: Lua would name the line here, not the script's. What they call last they
-- call in the end, so that it is no part of the stack.

-- Refuses an argument of the function that calls this, or of the one so many above: names it as its caller did, at the
-- place of the call.
local function refuse(index, message, above)
    local level = 2 + (above or 0)
    local call = getinfo(level, "n")
    local name = call.name or "?"
    if call.namewhat == "method" then
        index = index - 1
        if index == 0 then
            error("calling '" .. name .. "' on bad self (" .. message .. ")", level + 1)
        end
    end
    error("bad argument #" .. index .. " to '" .. name .. "' (" .. message .. ")", level + 1)
end

-- What is wrong with an argument of another type.
local function wrong_type(wanted, index, ...)
    return wanted .. " expected, got " .. (select("#", ...) < index and "no value" or type((select(index, ...))))
end

local function is_text_or_number(value)
    return type(value) == "string" or type(value) == "number"
end

local safe = {}

function safe.getmetatable(...)
    if select("#", ...) == 0 then
        refuse(1, "value expected")
    end
    local original = originals[(...)]
    if original then
        return safe.metatables[(...)]
    end
    return getmetatable(...)
end

function safe.setmetatable(...)
    local object, meta = ...
    if type(object) ~= "table" then
        refuse(1, wrong_type("table", 1, ...))
    elseif type(meta) ~= "table" and (meta ~= nil or select("#", ...) == 1) then
        refuse(2, "nil or table expected")
    elseif originals[object] then
        error(READ_ONLY, 0)
    end
    local present = debug_getmetatable(object)
    if present and rawget(present, "__metatable") ~= nil then
        error("cannot change a protected metatable", 2)
    end
    return setmetatable(...)
end

function safe.rawset(...)
    local object = ...
    if type(object) ~= "table" then
        refuse(1, wrong_type("table", 1, ...))
    elseif select("#", ...) < 3 then
        refuse(select("#", ...) + 1, "value expected")
    elseif originals[object] then
        error(READ_ONLY, 0)
    end
    return rawset(...)
end

function safe.rawget(...)
    local object, key = ...
    if type(object) ~= "table" then
        refuse(1, wrong_type("table", 1, ...))
    elseif select("#", ...) < 2 then
        refuse(2, "value expected")
    end
    return rawget(originals[object] or object, key)
end

function safe.next(...)
    local object, key = ...
    if type(object) ~= "table" then
        refuse(1, wrong_type("table", 1, ...))
    end
    return next(originals[object] or object, key)
end

function safe.pairs(...)
    local object = ...
    if type(object) ~= "table" then
        refuse(1, wrong_type("table", 1, ...))
    end
    return pairs(originals[object] or object)
end

function safe.ipairs(...)
    local object = ...
    if type(object) ~= "table" then
        refuse(1, wrong_type("table", 1, ...))
    end
    return ipairs(originals[object] or object)
end

-- Bytecode could break out of Lua: it is read as the text it is not.
local function with_globals(body, ...)
    if body then
        return setfenv(body, env)
    end
    return body, ...
end

function safe.loadstring(...)
    local text, name = ...
    if not is_text_or_number(text) then
        refuse(1, wrong_type("string", 1, ...))
    elseif name ~= nil and not is_text_or_number(name) then
        refuse(2, wrong_type("string", 2, ...))
    elseif type(text) == "string" and text:byte() == 27 then
        return with_globals(loadstring(" " .. text, name or text))
    end
    return with_globals(loadstring(...))
end

local function gather(reader)
    local pieces = {}
    while true do
        local piece = reader()
        if piece == nil or piece == "" then
            return concat(pieces)
        elseif not is_text_or_number(piece) then
            error("reader function must return a string", 0)
        end
        pieces[#pieces + 1] = piece
    end
end

function safe.load(...)
    local reader, name = ...
    if type(reader) ~= "function" then
        refuse(1, wrong_type("function", 1, ...))
    elseif name ~= nil and not is_text_or_number(name) then
        refuse(2, wrong_type("string", 2, ...))
    end
    local ok, text = pcall(gather, reader)
    check_killed()
    if not ok then
        return nil, text
    end
    return safe.loadstring(text, name or "=(load)")
end

-- The collector is the server's business: a script may ask for a collection, but not turn it off.
local COLLECTOR_WORDS = {
    collect = true, count = true, step = true, stop = false, restart = false, setpause = false, setstepmul = false,
}

function safe.collectgarbage(...)
    local what, number = ...
    if what ~= nil and not is_text_or_number(what) then
        refuse(1, wrong_type("string", 1, ...))
    elseif what ~= nil and COLLECTOR_WORDS[what] == nil then
        refuse(1, "invalid option '" .. what .. "'")
    elseif number ~= nil and not tonumber(number) then
        refuse(2, wrong_type("number", 2, ...))
    elseif what ~= nil and not COLLECTOR_WORDS[what] then
        return 0
    end
    return collectgarbage(...)
end

-- As the real server has it: of an error table, pcall gives the text.
local function caught(ok, ...)
    if ok then
        return true, ...
    end
    check_killed()
    local problem = ...
    if type(problem) == "table" then
        local text = problem.err
        if type(text) == "string" or type(text) == "number" then
            return false, text
        end
    end
    return false, ...
end

function safe.pcall(...)
    if select("#", ...) == 0 then
        return false, "attempt to call a boolean value" -- the real server's own slot for the outcome
    end
    return caught(pcall(...))
end

-- Lua would run the handler at the place of the error, where no hook is called any more; here it runs afterwards.
local function handled(ok, ...)
    check_killed()
    if ok then
        return false, (...)
    end
    return false, "error in error handling"
end

local function with_handler(handler, ok, ...)
    if ok then
        return true, ...
    end
    check_killed()
    return handled(pcall(handler, ...))
end

function safe.xpcall(...)
    if select("#", ...) < 2 then
        refuse(2, "value expected")
    end
    local body, handler = ...
    return with_handler(handler, pcall(body))
end

-- Hooks belong to one coroutine: each gets its own.
local threads = {}
for name, member in next, coroutine do
    threads[name] = member
end
local create, resume = coroutine.create, coroutine.resume

-- Lua 5.1 keeps the hook of a coroutine after the coroutine itself is gone, under its address; so from time to time all
-- are taken away, and those that are still there get theirs back.
local LEAST_HOOKS = 1000
local hooks, main = nil, nil -- Lua's own table of hooks, and the key of the state itself in it
for key, value in next, debug.getregistry() do
    if type(key) == "userdata" and type(value) == "table" then
        for address, hook in next, value do
            if hook == on_count then
                hooks, main = value, address
            end
        end
    end
end
local living = setmetatable({}, {__mode = "k"})
local made, most_made = 0, LEAST_HOOKS

local function forget_hooks()
    for address in next, hooks do
        if address ~= main then
            hooks[address] = nil
        end
    end
    made = 0
    for thread in next, living do
        sethook(thread, on_count, "", HOOK_INSTRUCTIONS)
        made = made + 1
    end
    most_made = made * 2 + LEAST_HOOKS
end

-- Whether a function is written in C in the real server.
local function is_built_in(body)
    local place = getinfo(body, "S")
    return place.what == "C" or INTERNAL[place.source] == true
end

local function new_thread(body)
    local thread = create(body)
    living[thread] = true
    sethook(thread, on_count, "", HOOK_INSTRUCTIONS)
    made = made + 1
    if made > most_made then
        forget_hooks()
    end
    return thread
end

function threads.create(body)
    if type(body) ~= "function" or is_built_in(body) then
        refuse(1, "Lua function expected")
    end
    return new_thread(body)
end

function threads.resume(...)
    if type((...)) ~= "thread" then
        refuse(1, "coroutine expected")
    end
    return check_killed(resume(...))
end

local function unwrapped(ok, ...)
    check_killed()
    if ok then
        return ...
    end
    local problem = ...
    if type(problem) == "string" then
        raise(problem)
    end
    error(problem, 0)
end

function threads.wrap(body)
    if type(body) ~= "function" or is_built_in(body) then
        refuse(1, "Lua function expected")
    end
    local thread = new_thread(body)
    return function(...)
        return unwrapped(resume(thread, ...))
    end
end

-- Lua's own string.rep takes 10 ms for a megabyte, far too long between two looks at the clock.
local strings = {}
for name, member in next, string do
    strings[name] = member
end
local rep = string.rep
local LONG_TEXT = 4096

function strings.rep(...)
    local text, count = ...
    if not is_text_or_number(text) then
        refuse(1, wrong_type("string", 1, ...))
    elseif not tonumber(count) then
        refuse(2, wrong_type("number", 2, ...))
    end
    text, count = tostring(text), tonumber(count)
    if #text * count <= LONG_TEXT then
        return rep(text, count)
    end
    on_count()
    if #text * count > soft_limit_kb * 1024 then
        error("not enough memory", 0)
    end
    count = floor(count)
    local pieces = {}
    while true do
        if count % 2 == 1 then
            pieces[#pieces + 1] = text
        end
        count = floor(count / 2)
        if count == 0 then
            return concat(pieces)
        end
        text = text .. text
    end
end

-- What is C in the real server cannot be dumped.
function strings.dump(...)
    local body = ...
    if type(body) ~= "function" then
        refuse(1, wrong_type("function", 1, ...))
    elseif is_built_in(body) then
        error("unable to dump given function", 2)
    end
    return string.dump(...)
end

-- math.random: the generator is part of the language scripts are written in ------------------------------------------

-- The linear congruential generator of lrand48: 48 bits, kept as two halves of 24 so that products stay exact.
local HALF = 16777216
local seed_high, seed_low = 0x1234AB, 0xCD330E

local function random_fraction()
    local low = seed_low * 0xECE66D + 0xB
    local high = seed_high * 0xECE66D + seed_low * 0x5DE + floor(low / HALF)
    seed_low = low % HALF
    seed_high = high % HALF
    local bits = seed_high * 128 + floor(seed_low / 131072)
    return (bits % 2147483647) / 2147483647
end

local function integer_argument(index, ...)
    local number = tonumber((select(index, ...)))
    if not number then
        refuse(index, wrong_type("number", index, ...), 1)
    end
    return number < 0 and -floor(-number) or floor(number)
end

local mathematics = {}
for name, member in next, math do
    mathematics[name] = member
end

function mathematics.random(...)
    local count = select("#", ...)
    local r = random_fraction()
    if count == 0 then
        return r
    elseif count == 1 then
        local upper = integer_argument(1, ...)
        if upper < 1 then
            refuse(1, "interval is empty")
        end
        return floor(r * upper) + 1
    elseif count == 2 then
        local lower = integer_argument(1, ...)
        local upper = integer_argument(2, ...)
        if lower > upper then
            refuse(2, "interval is empty")
        end
        return floor(r * (upper - lower + 1)) + lower
    end
    raise("wrong number of arguments")
end

function mathematics.randomseed(...)
    local seed = integer_argument(1, ...) % 4294967296
    seed_high = floor(seed / 256)
    seed_low = (seed % 256) * 65536 + 0x330E
end

-- redis.* ------------------------------------------------------------------------------------------------------------

local redis = {}

local function error_table(text, counted)
    if counted then
        return {err = text, ignore_error_stats_update = true}
    end
    return {err = text}
end

-- What the server answers besides plain values: nil, a number that says what, and what belongs to it.
local FLAT, FAILED, STATUS, BUILT, NIL, TRUE, LONG = 0, 1, 2, 3, 4, 5, 6

local function append(list, ...)
    local size = #list
    for i = 1, select("#", ...) do
        list[size + i] = (select(i, ...))
    end
end

local function gather_long(count)
    local list = {}
    while count > 0 do
        local part = {more()}
        local size = #list
        for i = 1, #part do
            list[size + i] = part[i]
        end
        count = count - #part
    end
    return list
end

local function rare(kind, value)
    if kind == STATUS then
        return {ok = value}
    elseif kind == BUILT then
        return value
    elseif kind == TRUE then
        return true
    elseif kind == LONG then
        return gather_long(value)
    end
    return nil
end

local function call_result(value, kind, ...)
    if value ~= nil then
        if value == true then
            return {ok = "OK"}
        end
        return value
    elseif kind == FLAT then
        return {...}
    elseif kind == FAILED then
        error(error_table(...))
    end
    return rare(kind, ...)
end

local function pcall_result(value, kind, ...)
    if value ~= nil then
        if value == true then
            return {ok = "OK"}
        end
        return value
    elseif kind == FLAT then
        return {...}
    elseif kind == FAILED then
        return error_table(...)
    end
    return rare(kind, ...)
end

-- The server's answer has to fit in: its allocations cannot be undone.
local function check_memory()
    if gcinfo() > soft_limit_kb then
        collectgarbage()
        if gcinfo() > soft_limit_kb then
            error("not enough memory", 0)
        end
    end
end

-- More arguments than this leave no room on the stack for what calling the server needs.
local MOST_ARGUMENTS = 7000
local PART = 1000

local function call_in_parts(...)
    local arguments, count = {...}, select("#", ...)
    for first = 1, count, PART do
        server.collect(unpack(arguments, first, first + PART > count and count or first + PART - 1))
    end
    return server.call_collected()
end

-- redis.call and redis.pcall; `finish` makes up what the script gets. Entering Python costs more than most commands do,
-- so what scripts call most has cheaper roads: one argument goes as the name of a field, two without the command's name.
local function calling(finish)
    return function(...)
        if gcinfo() > soft_limit_kb then
            check_memory()
        end
        local count = select("#", ...)
        if count == 2 then
            local name, argument = ...
            local command = commands[name]
            if command then
                local value = command[argument]
                if value == nil then
                    return finish(answer())
                end
                return finish(value)
            end
        elseif count == 3 then
            local name, first, second = ...
            local command = commands[name]
            if command then
                return finish(command(first, second))
            end
        elseif count > MOST_ARGUMENTS then
            return finish(call_in_parts(...))
        end
        return finish(call(...))
    end
end

redis.call = calling(call_result)
redis.pcall = calling(pcall_result)

local function single_string(...)
    return select("#", ...) == 1 and type((...)) == "string"
end

function redis.error_reply(...)
    if not single_string(...) then
        return {err = "ERR wrong number or type of arguments"}
    end
    local text = (...)
    if text:sub(1, 1) == "-" then
        text = text:sub(2)
    end
    local code, rest = text:match("^([^ ]*) (.*)$")
    if not code then
        code, rest = "ERR", text
    end
    return {err = code .. " " .. rest:gsub("^[\r\n]+", ""):gsub("[\r\n]+$", "")}
end

function redis.status_reply(...)
    if not single_string(...) then
        return {err = "ERR wrong number or type of arguments"}
    end
    return {ok = (...)}
end

function redis.sha1hex(...)
    if select("#", ...) ~= 1 then
        error({err = "ERR wrong number of arguments"})
    end
    local text = (...)
    if type(text) == "number" then
        text = tostring(text)
    end
    return server.sha1hex(type(text) == "string" and text or "")
end

function redis.log(...)
    local count = select("#", ...)
    if count < 2 then
        error({err = "ERR redis.log() requires two arguments or more."})
    end
    local level = tonumber((...))
    if not level then
        error({err = "ERR First argument must be a number (log level)."})
    end
    level = level < 0 and -floor(-level) or floor(level)
    if level < 0 or level > 3 then
        error({err = "ERR Invalid debug level."})
    end
    local parts = {}
    for i = 2, count do
        local part = (select(i, ...))
        if type(part) == "string" or type(part) == "number" then
            parts[#parts + 1] = part
        end
    end
    server.log(level, concat(parts, " "))
end

local script_resp = 2

function redis.setresp(...)
    if select("#", ...) ~= 1 then
        error({err = "ERR redis.setresp() requires one argument."})
    end
    local resp = tonumber((...))
    resp = resp and floor(resp)
    if resp ~= 2 and resp ~= 3 then
        error({err = "ERR RESP version must be 2 or 3."})
    end
    script_resp = resp
    server.setresp(resp)
end

function redis.set_repl(...)
    if select("#", ...) ~= 1 then
        error({err = "ERR redis.set_repl() requires one argument."})
    end
    local flags = tonumber((...)) or 0
    flags = flags < 0 and -floor(-flags) or floor(flags)
    if flags < 0 or flags > 3 then
        error({err = "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE."})
    end
    server.set_repl(flags)
end

function redis.acl_check_cmd(...)
    local allowed, problem = server.allows(...)
    if problem then
        error({err = problem})
    end
    return allowed
end

local LEVELS = {LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3}
for name, level in next, LEVELS do
    redis[name] = level
end
redis.REDIS_VERSION = options.version
redis.REDIS_VERSION_NUM = options.version_number
redis.REPL_NONE = 0
redis.REPL_AOF = 1
redis.REPL_SLAVE = 2
redis.REPL_REPLICA = 2
redis.REPL_ALL = 3

if options.is_eval then
    function redis.breakpoint()
        return false
    end

    function redis.debug() end

    function redis.replicate_commands()
        return true
    end
end

-- Replies ------------------------------------------------------------------------------------------------------------

-- How deep a reply may be nested: what the stack of a real server's Lua has room for, which keeps one value there for
-- each array around the one to be encoded, three for each map or set, and the key beside a map's value.
local DEEPEST = 7994

local encode

local function encode_number(out, value)
    out[#out + 1] = format(":%d\r\n", value)
end

local function encode_bulk(out, text)
    local size = #out
    out[size + 1] = "$" .. #text .. "\r\n"
    out[size + 2] = text
    out[size + 3] = "\r\n"
end

-- What the real server takes by C's string functions ends at a NUL.
local function line(text)
    return (tostring(text):gsub("%z.*", ""):gsub("[\r\n]", " "))
end

local function is_text(value)
    return type(value) == "string"
end

local function encode_verbatim(out, verbatim, resp)
    local text, kind = verbatim.string, line(verbatim.format)
    if resp == 2 then
        return encode_bulk(out, text)
    end
    local size = #out
    out[size + 1] = "=" .. (#text + 4) .. "\r\n" .. (kind .. "   "):sub(1, 3) .. ":"
    out[size + 2] = text
    out[size + 3] = "\r\n"
end

local function encode_pairs(out, map, resp, depth)
    local at, count = #out + 1, 0
    out[at] = ""
    for key, value in next, map do
        encode(out, key, resp, depth + 1)
        encode(out, value, resp, depth)
        count = count + 1
    end
    out[at] = resp == 3 and "%" .. count .. "\r\n" or "*" .. 2 * count .. "\r\n"
end

local function encode_members(out, set, resp, depth)
    local at, count = #out + 1, 0
    out[at] = ""
    for key in next, set do
        encode(out, key, resp, depth)
        count = count + 1
    end
    out[at] = (resp == 3 and "~" or "*") .. count .. "\r\n"
end

local function encode_array(out, list, resp, depth)
    local at, count = #out + 1, 0
    out[at] = ""
    local value = rawget(list, 1)
    while value ~= nil do
        count = count + 1
        if type(value) == "string" then
            encode_bulk(out, value)
        else
            encode(out, value, resp, depth)
        end
        value = rawget(list, count + 1)
    end
    out[at] = "*" .. count .. "\r\n"
end

-- A table that stands for one value: its only field says which. False if it is no such table.
local function encode_tagged(out, tagged, resp, depth)
    local value = rawget(tagged, "err")
    if is_text(value) then
        local text = line(tagged.err)
        note_error(text, tagged.ignore_error_stats_update == true)
        out[#out + 1] = "-" .. text .. "\r\n"
        return true
    end
    value = rawget(tagged, "ok")
    if is_text(value) then
        out[#out + 1] = "+" .. line(value) .. "\r\n"
        return true
    end
    value = rawget(tagged, "double")
    if type(value) == "number" then
        local text = server.format_double(value)
        if resp == 3 then
            out[#out + 1] = "," .. text .. "\r\n"
        else
            encode_bulk(out, text)
        end
        return true
    end
    value = rawget(tagged, "big_number")
    if is_text(value) then
        if resp == 3 then
            out[#out + 1] = "(" .. value:gsub("[\r\n]", " ") .. "\r\n"
        else
            encode_bulk(out, (value:gsub("[\r\n]", " ")))
        end
        return true
    end
    value = rawget(tagged, "verbatim_string")
    if type(value) == "table" and is_text(rawget(value, "format")) and is_text(rawget(value, "string")) then
        encode_verbatim(out, value, resp)
        return true
    end
    value = rawget(tagged, "map")
    if type(value) == "table" then
        encode_pairs(out, value, resp, depth + 3)
        return true
    end
    value = rawget(tagged, "set")
    if type(value) == "table" then
        encode_members(out, value, resp, depth + 3)
        return true
    end
    return false
end

function encode(out, value, resp, depth)
    local kind = type(value)
    if depth > DEEPEST then
        note_error("ERR reached lua stack limit", false)
        out[#out + 1] = "-ERR reached lua stack limit\r\n"
    elseif kind == "string" then
        encode_bulk(out, value)
    elseif kind == "number" then
        encode_number(out, value)
    elseif kind == "table" then
        value = originals[value] or value
        if not encode_tagged(out, value, resp, depth) then
            encode_array(out, value, resp, depth + 1)
        end
    elseif kind == "boolean" and (value or script_resp == 3) then
        if script_resp == 2 or resp == 2 then
            out[#out + 1] = value and ":1\r\n" or ":0\r\n"
        else
            out[#out + 1] = value and "#t\r\n" or "#f\r\n"
        end
    else
        out[#out + 1] = resp == 3 and "_\r\n" or "$-1\r\n"
    end
end

local function encoded(value, resp)
    local out = {}
    encode(out, value, resp, 0)
    return concat(out)
end

-- Running ------------------------------------------------------------------------------------------------------------

local ENCODED, ERROR_REPLY, FAILURE = 1, 2, 3

-- Whose fault it is: the innermost function of a script. Runs where the error happened, before the stack is unwound.
local function on_error(problem)
    if kill_reason then
        kill_reason = nil
        sethook(on_count, "", HOOK_INSTRUCTIONS)
    end
    local place = script_place(3)
    if type(problem) ~= "table" then
        problem = {err = "ERR " .. tostring(problem)}
    end
    if place then
        problem.source = place.source
        problem.line = place.currentline
    end
    return problem
end

local function text_of(value)
    return (type(value) == "string" or type(value) == "number") and tostring(value) or nil
end

local function failure(problem)
    if type(problem) ~= "table" then
        return FAILURE, nil, text_of(problem) or "execution failure"
    end
    local counted = problem.ignore_error_stats_update == true
    return FAILURE, text_of(problem.err) or "ERR unknown error", counted, text_of(problem.source), text_of(problem.line)
end

local function table_reply(value, resp)
    if is_text(rawget(value, "err")) then
        return ERROR_REPLY, line(value.err), value.ignore_error_stats_update == true
    end
    local ok, reply = pcall(encoded, value, resp)
    if not ok then
        return failure(reply)
    end
    return ENCODED, reply
end

local function result(resp, ok, value)
    -- Lua 5.1 does not collect garbage when memory runs out; what a script has left must not make the next one fail.
    if gcinfo() > soft_limit_kb / 2 then
        collectgarbage()
    end
    if not ok then
        return failure(value)
    end
    local kind = type(value)
    if kind == "string" or kind == "number" then
        return value
    elseif kind == "table" then
        return table_reply(originals[value] or value, resp)
    elseif kind == "boolean" then
        return value
    end
    return nil
end

local globals = {}

-- KEYS and ARGV. More arguments than fit on the stack come as these two tables.
local function arrays(keys, first, ...)
    if keys == 1 then
        return {first}, {...}
    elseif keys == 0 then
        return {}, {first, ...}
    elseif type(keys) == "table" then
        return keys, first
    end
    local all = {first, ...}
    local count = select("#", ...) + 1
    local names, values = {}, {}
    for i = 1, keys do
        names[i] = all[i]
    end
    for i = keys + 1, count do
        values[i - keys] = all[i]
    end
    return names, values
end

local functions = {}

-- The globals of plain scripts, and the tables KEYS and ARGV that these share if they are few: such a script can neither
-- assign to a global nor change or keep these tables or `redis` (scripting/bytecode.py), so nothing has to be guarded.
local plain_keys, plain_arguments = {false}, {false, false}
local plain_globals = {redis = redis, KEYS = plain_keys, ARGV = plain_arguments}
setmetatable(plain_globals, {__index = globals, __newindex = refuse_write})

-- What the server calls to run a script.
function functions.runner(body, is_plain)
    local scope = is_plain and plain_globals or globals
    if is_plain then
        setfenv(body, plain_globals)
    end
    return function(resp, keys, ...)
        script_resp = 2
        local key, first, second, third = ...
        if is_plain and keys == 1 and third == nil then
            plain_keys[1] = key
            plain_arguments[1], plain_arguments[2] = first, second
            scope.KEYS, scope.ARGV = plain_keys, plain_arguments
        else
            scope.KEYS, scope.ARGV = arrays(keys, ...)
        end
        return result(resp, xpcall(body, on_error))
    end
end

-- The same for a function of a library.
local function function_runner(body)
    return function(resp, ...)
        script_resp = 2
        local names, values = arrays(...)
        return result(resp, xpcall(function() return body(names, values) end, on_error))
    end
end

-- The compiled text, or nil and what is wrong with it.
function functions.compile(text, name)
    if text:byte() == 27 then
        text = " " .. text
    end
    local body, problem = loadstring(text, name)
    if not body then
        return nil, problem
    end
    return setfenv(body, env)
end

-- Takes in what `compile` made after the server has looked through its bytecode.
function functions.dump(body)
    return string.dump(body)
end

function functions.undump(code)
    return setfenv(loadstring(code), env)
end

function functions.collect()
    collectgarbage()
end

-- Now and then: what scripts put into proxies past their metatables (table.insert does) goes.
function functions.sweep()
    for proxy in next, originals do
        for key in next, proxy do
            rawset(proxy, key, nil)
        end
    end
end

-- Libraries of functions ---------------------------------------------------------------------------------------------

-- While a library is loaded it sees nothing but this.
local function library_globals()
    local api = {log = redis.log, REDIS_VERSION = redis.REDIS_VERSION, REDIS_VERSION_NUM = redis.REDIS_VERSION_NUM}
    for name, level in next, LEVELS do
        api[name] = level
    end

    local named

    function api.register_function(...)
        local count = select("#", ...)
        local problem
        if count < 1 or count > 2 then
            problem = "wrong number of arguments to redis.register_function"
        elseif count == 1 then
            problem = named(...)
        else
            local name, body = ...
            if not text_of(name) then
                problem = "first argument to redis.register_function must be a string"
            elseif type(body) ~= "function" then
                problem = "second argument to redis.register_function must be a function"
            else
                problem = server.register(tostring(name), nil, function_runner(body))
            end
        end
        if problem then
            error({err = "ERR " .. problem})
        end
    end

    local function read_flags(list)
        local flags = {}
        local flag = list[1]
        while flag ~= nil do
            if not text_of(flag) then
                return nil
            end
            flags[#flags + 1] = tostring(flag)
            flag = list[#flags + 1]
        end
        return flags
    end

    function named(arguments)
        if type(arguments) ~= "table" then
            return "calling redis.register_function with a single argument is only applicable to Lua table "
                .. "(representing named arguments)."
        end
        local name, description, body
        local flags = {}
        for key, value in next, arguments do
            if not text_of(key) then
                return "named argument key given to redis.register_function is not a string"
            end
            key = tostring(key):lower()
            if key == "function_name" then
                name = text_of(value)
                if not name then
                    return "function_name argument given to redis.register_function must be a string"
                end
            elseif key == "description" then
                description = text_of(value)
                if not description then
                    return "description argument given to redis.register_function must be a string"
                end
            elseif key == "callback" then
                body = value
                if type(body) ~= "function" then
                    return "callback argument given to redis.register_function must be a function"
                end
            elseif key == "flags" then
                if type(value) ~= "table" then
                    return "flags argument to redis.register_function must be a table representing function flags"
                end
                flags = read_flags(value)
                if not flags or not server.known_flags(unpack(flags)) then
                    return "unknown flag given"
                end
            else
                return "unknown argument given to redis.register_function"
            end
        end
        if not name then
            return "redis.register_function must get a function name argument"
        elseif not body then
            return "redis.register_function must get a callback argument"
        end
        return server.register(name, description, function_runner(body), unpack(flags))
    end

    setmetatable(api, {__index = no_such_global})
    return setmetatable({redis = protect(api)}, {__index = no_such_global})
end

-- The globals --------------------------------------------------------------------------------------------------------

local BUILT_IN = {
    "assert", "collectgarbage", "error", "gcinfo", "getmetatable", "ipairs", "load", "loadstring", "next", "pairs", "pcall",
    "rawequal", "rawget", "rawset", "select", "setmetatable", "tonumber", "tostring", "type", "unpack", "xpcall",
    "_VERSION",
}
-- getfenv, setfenv and newproxy are not among them, as in all releases since they were found to be ways out.
for _, name in ipairs(BUILT_IN) do
    globals[name] = safe[name] or G[name]
end
for _, name in ipairs({"table", "cjson", "cmsgpack", "struct", "bit"}) do
    local library = G[name]
    if library then
        globals[name] = protect(library)
    end
end
globals.math = protect(mathematics)
globals.string = protect(strings)
globals.coroutine = protect(threads)
globals.os = protect({clock = G.os.clock})
globals.redis = protect(redis)
globals._G = env

setmetatable(globals, {__index = no_such_global})
protect(globals, env)
safe.metatables = {[env] = protect({__index = no_such_global, __newindex = refuse_write})}
local of_strings = getmetatable("")
of_strings.__index = strings
of_strings.__metatable = protect({__index = globals.string})

if not options.is_eval then
    local during_load = library_globals()
    local visible = getmetatable(env)

    function functions.load_library(body)
        visible.__index = during_load
        local ok, problem = xpcall(body, on_error)
        visible.__index = globals
        if not ok then
            return type(problem) == "table" and text_of(problem.err) or text_of(problem) or "execution failure"
        end
        return nil
    end
end

-- What Lua came with is out of reach from here on, even for code that finds the real table of globals.
for _, name in ipairs({"python", "io", "os", "package", "debug", "require", "module", "dofile", "loadfile", "print"}) do
    G[name] = nil
end

return functions
