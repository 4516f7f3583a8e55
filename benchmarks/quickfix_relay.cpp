// The other yardstick: QuickFIX between EMS and venue, passing messages on and nothing else.
//
// Owns: one acceptor session (SOR for EMS) and one initiator session (QF to EXCH), each with a
// FileStore and with the same data dictionary that the gateway validates with.
// No risk check, no routing, no state of orders: what a session layer costs.
// Usage: quickfix_relay LISTEN_PORT VENUE_PORT STORE DICTIONARY; prints {"port": N} when it listens.

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include <quickfix/Application.h>
#include <quickfix/FileStore.h>
#include <quickfix/Session.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketAcceptor.h>
#include <quickfix/SocketInitiator.h>

namespace {

class Relay : public FIX::Application {
 public:
  Relay(const FIX::SessionID& ems, const FIX::SessionID& venue) : ems_(ems), venue_(venue) {}

  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override {}
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) throw(FIX::DoNotSend) override {}
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) throw(
      FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
      FIX::RejectLogon) override {}
  void fromApp(const FIX::Message& message, const FIX::SessionID& from) throw(
      FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
      FIX::UnsupportedMessageType) override {
    FIX::Message copy = message;
    FIX::Session::sendToTarget(copy, from == ems_ ? venue_ : ems_);
  }

 private:
  FIX::SessionID ems_, venue_;
};

FIX::SessionSettings settings_of(const std::string& more, const char* store,
                                 const char* dictionary) {
  std::istringstream text(
      "[DEFAULT]\nStartTime=00:00:00\nEndTime=00:00:00\nHeartBtInt=30\nReconnectInterval=1\n"
      "SocketNodelay=Y\nMillisecondsInTimeStamp=Y\nUseDataDictionary=Y\nFileStorePath=" +
      std::string(store) + "\nDataDictionary=" + dictionary + "\n[SESSION]\nBeginString=FIX.4.4\n" +
      more);
  return FIX::SessionSettings(text);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return EXIT_FAILURE;
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, nullptr);
  try {
    const FIX::SessionSettings accept = settings_of(
        std::string("ConnectionType=acceptor\nSenderCompID=SOR\nTargetCompID=EMS\n"
                    "SocketAcceptPort=") +
            argv[1] + "\n",
        argv[3], argv[4]);
    const FIX::SessionSettings initiate = settings_of(
        std::string("ConnectionType=initiator\nSenderCompID=QF\nTargetCompID=EXCH\n"
                    "SocketConnectHost=127.0.0.1\nSocketConnectPort=") +
            argv[2] + "\n",
        argv[3], argv[4]);
    Relay relay(*accept.getSessions().begin(), *initiate.getSessions().begin());
    FIX::FileStoreFactory ems_stores(accept), venue_stores(initiate);
    FIX::SocketInitiator initiator(relay, venue_stores, initiate);
    FIX::SocketAcceptor acceptor(relay, ems_stores, accept);
    initiator.start();
    acceptor.start();
    std::cout << "{\"port\": " << argv[1] << "}" << std::endl;
    int signal = 0;
    sigwait(&end, &signal);
    acceptor.stop(true);
    initiator.stop(true);
  } catch (const std::exception& error) {
    std::cerr << "quickfix_relay: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
