// A FIX peer on QuickFIX, driven by lines on stdin, telling everything as JSON lines on stdout.
//
// Owns: nothing of FIX: sequence numbers, resends, validation and storage are QuickFIX's own
// (FileStore, data dictionary on). It is the counterparty that nobody here wrote.
// Usually the EMS (--role initiator); as --role acceptor it is the other end, for the test of the
// peer itself and for use as a venue.
//
// QuickFIX is driven by its poll() from this one thread, so commands and callbacks never race.
//
// Commands:
//   connect | logout [text] | disconnect | quit
//   D <11> <55> <54> <38> <40> <44 or -> <59> [tag=value ...]
//   F <11> <41> <55> <54> <38> [tag=value ...]
//   G <11> <41> <55> <54> <38> <40> <44 or -> <59> [tag=value ...]
//   H <11> <55> <54> [tag=value ...]
//   V <262> <263> <264> <265> <269> <55>   269 is one or more characters, each an entry type
//   send <35> [tag=value ...]        any application message without groups
//   setout N | setin N               force the next number out, or the next one expected
//   reset Y | reset N                whether logons carry 141=Y from now on
//   numbers                          tell both numbers
//
// Events: {"event": ...} with
//   ready                            the session exists, commands are taken
//   logon, logout                    QuickFIX's onLogon and onLogout
//   wire   direction, type, fields   every message on the wire, before any judgement
//   taken  type, fields              an application message that passed QuickFIX's dictionary
//   note   text                      QuickFIX's own event log: refusals, gaps, disconnects
//   numbers out, in
//   error  text                      a command that could not be done
// `fields` is a list of [tag, value] in the order of the wire.

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <quickfix/Application.h>
#include <quickfix/FileStore.h>
#include <quickfix/Log.h>
#include <quickfix/Session.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketAcceptor.h>
#include <quickfix/SocketInitiator.h>

namespace {

const int WAIT_MS = 1;
const char SOH = '\x01';

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c >= 0x7f) {  // latin-1, so that every byte survives
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      out += escape;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + "\"";
}

void tell(const std::string& event, const std::string& more = "") {
  std::cout << "{\"event\":" << quoted(event) << more << "}\n" << std::flush;
}

std::string member(const std::string& name, const std::string& value) {
  return "," + quoted(name) + ":" + quoted(value);
}

// ,"type":"8","fields":[["8","FIX.4.4"],...]
std::string message_members(const std::string& raw) {
  std::string type, fields;
  std::istringstream stream(raw);
  std::string field;
  while (std::getline(stream, field, SOH)) {
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos) continue;
    const std::string tag = field.substr(0, equals), value = field.substr(equals + 1);
    if (tag == "35" && type.empty()) type = value;
    if (!fields.empty()) fields += ",";
    fields += "[" + quoted(tag) + "," + quoted(value) + "]";
  }
  return member("type", type) + ",\"fields\":[" + fields + "]";
}

class WireLog : public FIX::Log {
 public:
  void clear() override {}
  void backup() override {}
  void onIncoming(const std::string& raw) override {
    tell("wire", member("direction", "in") + message_members(raw));
  }
  void onOutgoing(const std::string& raw) override {
    tell("wire", member("direction", "out") + message_members(raw));
  }
  void onEvent(const std::string& text) override { tell("note", member("text", text)); }
};

class WireLogFactory : public FIX::LogFactory {
 public:
  FIX::Log* create() override { return new WireLog; }
  FIX::Log* create(const FIX::SessionID&) override { return new WireLog; }
  void destroy(FIX::Log* log) override { delete log; }
};

class Peer : public FIX::Application {
 public:
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override { tell("logon"); }
  void onLogout(const FIX::SessionID&) override { tell("logout"); }
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) throw(FIX::DoNotSend) override {}
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) throw(
      FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
      FIX::RejectLogon) override {}
  void fromApp(const FIX::Message& message, const FIX::SessionID&) throw(
      FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
      FIX::UnsupportedMessageType) override {
    tell("taken", message_members(message.toString()));
  }
};

struct Options {
  std::map<std::string, std::string> values = {
      {"role", "initiator"}, {"host", "127.0.0.1"}, {"heartbeat", "5"}, {"listed", "Y"}};

  const std::string& operator[](const std::string& name) const {
    const auto found = values.find(name);
    if (found == values.end()) throw std::invalid_argument("--" + name + " is missing");
    return found->second;
  }
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (name.compare(0, 2, "--") != 0 || i + 1 == argc)
      throw std::invalid_argument("expected --name value, got " + name);
    options.values[name.substr(2)] = argv[i + 1];
  }
  return options;
}

FIX::SessionSettings settings_of(const Options& options) {
  std::ostringstream text;
  text << "[DEFAULT]\n"
       << "ConnectionType=" << options["role"] << "\n"
       << "ReconnectInterval=1\n"
       << "SocketConnectHost=" << options["host"] << "\n"
       << "SocketConnectPort=" << options["port"] << "\n"
       << "SocketAcceptPort=" << options["port"] << "\n"
       << "SocketReuseAddress=Y\n"
       << "SocketNodelay=Y\n"
       << "FileStorePath=" << options["store"] << "\n"
       << "StartTime=00:00:00\nEndTime=00:00:00\n"
       << "HeartBtInt=" << options["heartbeat"] << "\n"
       << "LogonTimeout=10\nLogoutTimeout=2\n"
       << "MillisecondsInTimeStamp=Y\n"
       << "UseDataDictionary=Y\n"
       << "ValidateFieldsOutOfOrder=Y\n"
       << "ValidateFieldsHaveValues=Y\n"
       << "ValidateUserDefinedFields=" << options["listed"] << "\n"
       << "DataDictionary=" << options["dictionary"] << "\n"
       << "[SESSION]\n"
       << "BeginString=" << options["begin"] << "\n"
       << "SenderCompID=" << options["sender"] << "\n"
       << "TargetCompID=" << options["target"] << "\n";
  std::istringstream stream(text.str());
  return FIX::SessionSettings(stream);
}

std::string now_text() { return FIX::UtcTimeStampConvertor::convert(FIX::UtcTimeStamp(), 3); }

class Console {
 public:
  Console(FIX::Session& session, const FIX::SessionID& id) : session_(session), id_(id) {}

  // Carries a line out; false for quit.
  bool obey(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    if (!(words >> command)) return true;
    try {
      if (command == "quit") return false;
      run(command, words);
    } catch (const std::exception& error) {
      tell("error", member("text", line + ": " + error.what()));
    }
    return true;
  }

 private:
  void run(const std::string& command, std::istringstream& words) {
    if (command == "connect") {
      session_.logon();
    } else if (command == "logout") {
      std::string text;
      std::getline(words >> std::ws, text);
      session_.logout(text);
    } else if (command == "disconnect") {
      session_.logout("");
      session_.disconnect();
    } else if (command == "setout") {
      session_.setNextSenderMsgSeqNum(std::stoi(word(words)));
    } else if (command == "setin") {
      session_.setNextTargetMsgSeqNum(std::stoi(word(words)));
    } else if (command == "reset") {
      session_.setResetOnLogon(word(words) == "Y");
    } else if (command == "numbers") {
      tell("numbers", ",\"out\":" + std::to_string(session_.getExpectedSenderNum()) +
                          ",\"in\":" + std::to_string(session_.getExpectedTargetNum()));
    } else {
      message(command, words);
    }
  }

  void message(const std::string& command, std::istringstream& words) {
    static const std::map<std::string, std::vector<int>> layouts = {
        {"D", {11, 55, 54, 38, 40, 44, 59}},
        {"F", {11, 41, 55, 54, 38}},
        {"G", {11, 41, 55, 54, 38, 40, 44, 59}},
        {"H", {11, 55, 54}},
        {"V", {262, 263, 264, 265}},
        {"send", {}},
    };
    const auto layout = layouts.find(command);
    if (layout == layouts.end()) throw std::invalid_argument("no such command");
    FIX::Message message;
    const std::string type = command == "send" ? word(words) : command;
    message.getHeader().setField(35, type);
    for (int tag : layout->second) {
      const std::string value = word(words);
      if (value != "-") message.setField(tag, value);
    }
    if (command == "D" || command == "F" || command == "G") message.setField(60, now_text());
    if (id_.getBeginString().getValue() == "FIX.4.2" && (command == "D" || command == "G"))
      message.setField(21, "1");
    if (command == "V") add_groups(message, words);
    std::string extra;
    while (words >> extra) set(message, extra);
    if (!FIX::Session::sendToTarget(message, id_))
      tell("note", member("text", "numbered and kept: not logged on"));
  }

  static void add_groups(FIX::Message& message, std::istringstream& words) {
    for (char type : word(words)) {
      FIX::Group entry(267, 269);
      entry.setField(269, std::string(1, type));
      message.addGroup(entry);
    }
    FIX::Group symbol(146, 55);
    symbol.setField(55, word(words));
    message.addGroup(symbol);
  }

  static void set(FIX::Message& message, const std::string& extra) {
    const std::size_t equals = extra.find('=');
    if (equals == std::string::npos) throw std::invalid_argument("expected tag=value: " + extra);
    const int tag = std::stoi(extra.substr(0, equals));
    const std::string value = extra.substr(equals + 1);
    if (FIX::Message::isHeaderField(tag))
      message.getHeader().setField(tag, value);
    else
      message.setField(tag, value);
  }

  static std::string word(std::istringstream& words) {
    std::string value;
    if (!(words >> value)) throw std::invalid_argument("too few words");
    return value;
  }

  FIX::Session& session_;
  FIX::SessionID id_;
};

// Takes whole lines from stdin without ever blocking on a part of one.
class Lines {
 public:
  // Waits a little; whether stdin is still open.
  bool wait() {
    pollfd ready = {STDIN_FILENO, POLLIN, 0};
    if (::poll(&ready, 1, WAIT_MS) <= 0) return true;
    char buffer[4096];
    const ssize_t size = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (size <= 0) return false;
    pending_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }

  bool next(std::string& line) {
    const std::size_t end = pending_.find('\n');
    if (end == std::string::npos) return false;
    line = pending_.substr(0, end);
    pending_.erase(0, end + 1);
    return true;
  }

 private:
  std::string pending_;
};

template <typename Engine>
void serve(const FIX::SessionSettings& settings, bool initiator) {
  Peer peer;
  FIX::FileStoreFactory stores(settings);
  WireLogFactory logs;
  Engine engine(peer, stores, settings, logs);
  const FIX::SessionID id = *settings.getSessions().begin();
  FIX::Session* session = FIX::Session::lookupSession(id);
  if (session == nullptr) throw std::runtime_error("QuickFIX made no session");
  if (initiator) session->logout();  // until the command: connect
  Console console(*session, id);
  Lines lines;
  engine.poll(0);
  tell("ready");
  for (bool open = true; open;) {
    engine.poll(0);
    open = lines.wait();
    std::string line;
    while (open && lines.next(line)) open = console.obey(line);
  }
  engine.stop(true);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    const FIX::SessionSettings settings = settings_of(options);
    if (options["role"] == "initiator")
      serve<FIX::SocketInitiator>(settings, true);
    else
      serve<FIX::SocketAcceptor>(settings, false);
  } catch (const std::exception& error) {
    std::cerr << "ems_peer: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
