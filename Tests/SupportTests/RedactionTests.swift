import Support
import Testing
import Turns
import Wire

@Suite("Redaction of keys and passwords", .takesTurns)
struct RedactionTests {
  @Test(
    "are taken out",
    arguments: [
      ("s3://AKIA:geheim@bucket/x", "s3://***@bucket/x"),
      ("'s3://AKIA:ab/c+d@bucket/x' fails", "'s3://***@bucket/x' fails"),
      ("https://geheim@host/x", "https://***@host/x"),
      ("S3://k:geheim@b and s3://k:geheim@c", "S3://***@b and s3://***@c"),
      ("oss://b/x?access_key=geheim&secret=geheim&y=1", "oss://b/x?access_key=***&secret=***&y=1"),
      ("oss://b/x?key=geheim&token=geheim", "oss://b/x?key=***&token=***"), ("secret=geheim, next", "secret=***, next"),
      (#"{"key": "geheim", "secret": "gehe im", "port": 9}"#, #"{"key": "***", "secret": "***", "port": 9}"#),
      ("{'aws_secret_access_key': 'geheim'}", "{'aws_secret_access_key': '***'}"),
      (#"{\"secret\": \"geheim\"}"#, #"{\"secret\": \"***\"}"#), ("Loader(u, key='geheim')", "Loader(u, key='***')"),
      ("PASSWORD = geheim", "PASSWORD = ***"),
      ("https://h/?X-Amz-Signature=geheim&a=b", "https://h/?X-Amz-Signature=***&a=b"),
      ("client_secret='geheim", "client_secret='***"), ("AWS_SECRET_ACCESS_KEY: geheim", "AWS_SECRET_ACCESS_KEY: ***"),
      ("secret\t=\tgeheim", "secret\t=\t***"), ("u?secret%3Dgeheim&x", "u?secret%3D***&x"),
      ("Authorization: Bearer geheimgeheimgeheim", "Authorization: Bearer ***"),
      ("pwd=geheim;x", "pwd=***;x"), ("db_pwd=/geheim", "db_pwd=***"), ("PWD=geheim", "PWD=***"),
      ("run --secret geheim --x", "run --secret *** --x"), ("--client-secret 'gehe im' y", "--client-secret '***' y"),
      ("--token\tgeheim", "--token\t***"), ("--password=geheim a", "--password=*** a"),
      ("/x/gsc_55bde7be15bd_979a61d52095.csv", "/x/gsc_55bde7be15bd_***.csv"),
    ])
  func secrets(_ text: String, _ clean: String) {
    #expect(Redaction.redacted(text) == clean)
    #expect(Redaction.redacted(clean) == clean)
  }

  @Test(
    "and nothing else is",
    arguments: [
      "Loader(url, key=..., secret=...)", "an entry is damaged key=sessions/x", "file:///data/a@b.csv",
      "http://host:80/a", "hdfs://host/a", "12:30:45", "token abc of alice", "", ":", "=", "://", "://@", "a=b",
      "secret",
      "the key: none", "x:y@z", "bearer authentication", "no password: not asked for", "gsc_", "gsc_a", "gsc_a_",
      "100%", "%3D",
      "https://host/pkg@1.2/file", "PWD=/home/a OLDPWD=/", "--secret --verbose", "--token-file /etc/x", "--secret",
      "--",
    ])
  func plain(_ text: String) { #expect(Redaction.redacted(text) == text) }
}
