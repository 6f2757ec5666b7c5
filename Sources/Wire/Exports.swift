// Fields of messages have types of the vocabulary, so importing the messages imports the vocabulary, too.
@_exported import Vocabulary
